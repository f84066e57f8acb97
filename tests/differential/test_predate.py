"""predate, the original's and ours, in the same second or the next."""

from __future__ import annotations

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run


def both(arguments: list[str], stdin: bytes = b"To: x\n\nbody", tz: str = "UTC") -> tuple[Outcome, Outcome]:
    """Again if a second passed between the two."""
    for _ in range(5):
        c, py, again = (
            run([program, *arguments], stdin, env={"TZ": tz})
            for program in (qmail_peer("predate"), ours("predate"), qmail_peer("predate"))
        )
        if c == again:
            break
    return c, py


@pytest.mark.parametrize("tz", ["UTC", "XXX-1", "XXX+3:30", "XXX-14", "XXX-0:00:31", "XXX0:00:29"])
def test_dates(tz: str) -> None:
    c, py = both(["cat"], tz=tz)
    assert py == c
    assert py.stdout.startswith(b"Date: ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["true"], ["false"], ["sh", "-c", "exit 75"], ["sh", "-c", "kill -9 $$"], ["head", "-c5"]],
    ids=" ".join,
)
def test_how_it_ends(arguments: list[str]) -> None:
    c, py = both(arguments, b"x" * 300_000)
    assert py == c


@pytest.mark.parametrize("program", ["/nonexistent", "no-such-program", "/"])
def test_a_child_that_cannot_be_run(program: str) -> None:
    c, py = both([program])
    assert py == c


def test_signals_are_as_found() -> None:
    c, py = both(["grep", "SigIgn", "/proc/self/status"])
    ignored = [int(outcome.stdout.split()[1], 16) & ~(3 << 31) for outcome in (c, py)]
    assert ignored[0] == ignored[1]
