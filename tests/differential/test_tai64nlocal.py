"""tai64nlocal beside the original, in several time zones."""

from __future__ import annotations

import random

import pytest

from tests.support.originals import original
from tests.support.run import ours, run


def label(chance: random.Random) -> bytes:
    seconds = chance.choice([chance.randrange(2**32), 0x3B4A39C2, 0x3B4A39C3])
    nanoseconds = chance.choice([chance.randrange(10**9), chance.randrange(2**32), 500])
    usual = b"@40000000%08x%08x" % (seconds, nanoseconds)
    return chance.choice(
        [usual] * 8 + [b"@4000000%09x%08x" % (seconds, nanoseconds), b"@00" + usual[1:], b"x"]
    )


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "right/UTC", "nonsense", ""])
@pytest.mark.parametrize("seed", range(3))
def test_streams(zone: str, seed: int) -> None:
    chance = random.Random(seed)
    lines = [
        label(chance)
        + chance.choice([b" ", b" ", b" ", b"", b"G", b"F", b"@", b" \0"])
        + b"y" * chance.randrange(90)
        for _ in range(chance.choice([1, 30, 3000]))
    ]
    stream = b"\n".join(lines) + chance.choice([b"", b"\n"])
    environment = {"TZ": zone} if zone else {}
    theirs, mine = (
        run([program], stream, env=environment) for program in (original("tai64nlocal"), ours("tai64nlocal"))
    )
    assert mine == theirs


def test_a_label_that_no_calendar_holds() -> None:
    """The original crashes here; ours leaves the line as it is."""
    assert run([original("tai64nlocal")], b"@ x\n").status < 0
    mine = run([ours("tai64nlocal")], b"@ x\n")
    assert (mine.status, mine.stdout, mine.stderr) == (0, b"@ x\n", b"")


@pytest.mark.parametrize("redirect", ["<&-", ">&-", ">/dev/full"])
def test_failures_are_silent(redirect: str) -> None:
    theirs, mine = (
        run(["sh", "-c", f'exec "$0" {redirect}', program], b"@400000003b4a39c23294b13c x\n")
        for program in (original("tai64nlocal"), ours("tai64nlocal"))
    )
    assert mine == theirs
    assert mine.status == 111
