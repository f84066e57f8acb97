"""A queued message on lines of text. Not tested: nothing known."""

from __future__ import annotations

import pytest

from smarthost.formats import queuelisting
from smarthost.formats.queuelisting import LOCAL, REMOTE, Message, Recipient


def message(sender: bytes = b"joe@example.com", **states: bool) -> Message:
    every = dict.fromkeys(("is_new", "is_held", "is_bouncing"), False)
    return Message(12, 345, 1000, sender, **{**every, **states})


RECIPIENTS = [
    Recipient(REMOTE, b"ann@example.org", b"timed out"),
    Recipient(LOCAL, b"joe", is_done=False),
    Recipient(REMOTE, b"bob@example.org", is_done=True),
]


def test_what_is_to_do() -> None:
    assert b"".join(queuelisting.lines(message(), RECIPIENTS, 1090)) == (
        b"12  345 bytes, 90 seconds, from <joe@example.com>\n"
        b"  to <ann@example.org>\n"
        b"     timed out\n"
        b"  to <joe> (local)\n"
    )


def test_what_is_done_where_that_is_asked_for() -> None:
    *_, last = queuelisting.lines(message(), RECIPIENTS, 1090, done=True)
    assert last == b"  done <bob@example.org>\n"


def test_states() -> None:
    shown = next(queuelisting.lines(message(b"", is_new=True, is_held=True, is_bouncing=True), [], 1000))
    assert shown == b"12  345 bytes, 0 seconds, from <>, new, held, bouncing\n"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-5, b"0 seconds"),
        (1, b"1 second"),
        (119, b"119 seconds"),
        (120, b"2 minutes"),
        (7199, b"119 minutes"),
        (7200, b"2 hours"),
        (172799, b"47 hours"),
        (172800, b"2 days"),
    ],
)
def test_age(seconds: int, age: bytes) -> None:
    assert queuelisting.age(seconds) == age


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"plain", b"plain"),
        (b"\x1b[2J\n\x7f", b"?[2J??"),
        ("Grüße".encode(), "Grüße".encode()),
        ("a\x9b2Jü".encode(), "a?2Jü".encode()),
        (b"\xff\x1b", b"??"),
    ],
)
def test_nothing_moves_the_cursor(text: bytes, shown: bytes) -> None:
    assert queuelisting.shown(text) == shown


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ((0, 0, 0), b"Mail queue is empty\n"),
        ((1, 0, 0), b"1 message\n"),
        ((3, 1, 2), b"3 messages, 1 new, 2 held\n"),
    ],
)
def test_the_last_line(counts: tuple[int, int, int], line: bytes) -> None:
    assert queuelisting.summary(*counts) == line
