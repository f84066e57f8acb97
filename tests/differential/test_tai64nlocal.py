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


# Clocks are put back in New York, forward in Sydney; a second is added in right/; Kolkata's and Amsterdam's offsets were
# odd; the day that our calendar and the system's begin with.
MOMENTS = [
    1667714400,
    1664640000,
    1483228826,
    -1090000000,
    -1025740000,
    -1017830000,
    0,
    -(2**31),
    2**31,
    253402300800,
]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Sydney", "Asia/Kolkata", "Europe/Amsterdam", "right/UTC"]
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_where_clocks_change(zone: str, step: int) -> None:
    """Lines of consecutive seconds, over an hour or more around each of these moments."""
    stream = b"".join(
        b"@%016x%08x line\n" % (2**62 + 10 + moment + second * step, second + 2000)
        for moment in MOMENTS
        for second in range(-2000, 2000)
    )
    theirs, mine = (
        run([program], stream, env={"TZ": zone}) for program in (original("tai64nlocal"), ours("tai64nlocal"))
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
