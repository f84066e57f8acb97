"""predate, the original's and ours, one after the other."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run


def both(arguments: list[str], stdin: bytes = b"To: x\n\nbody", tz: str = "UTC") -> tuple[Outcome, Outcome]:
    """The original's and ours."""
    c, py = (
        run([program, *arguments], stdin, env={"TZ": tz})
        for program in (qmail_peer("predate"), ours("predate"))
    )
    return c, py


DATE = re.compile(rb"\ADate: (\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([-+]\d{4}))\n")


def dated(outcome: Outcome) -> tuple[datetime, bytes]:
    """The moment, and its zone."""
    found = DATE.match(outcome.stdout)
    assert found, outcome
    return datetime.strptime(found[1].decode(), "%d %b %Y %H:%M:%S %z"), found[2]


def undated(outcome: Outcome) -> Outcome:
    return Outcome(outcome.status, DATE.sub(b"DATE\n", outcome.stdout), outcome.stderr)


@pytest.mark.parametrize("tz", ["UTC", "XXX-1", "XXX+3:30", "XXX-14", "XXX-0:00:31", "XXX0:00:29"])
def test_dates(tz: str) -> None:
    """Seconds may pass from one to the next: ours lies between two of the original."""
    c, py = both(["cat"], tz=tz)
    again, _ = both(["cat"], tz=tz)
    assert undated(py) == undated(c)
    (before, zone), (moment, our_zone), (after, _) = map(dated, (c, py, again))
    assert before <= moment <= after
    assert our_zone == zone


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
