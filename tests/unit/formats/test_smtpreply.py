"""What servers say, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import smtpreply
from smarthost.formats.smtpreply import ReplyReader
from tests.support.arrivals import arrivals


def taken(pieces: list[bytes]) -> list[tuple[int, bytes]]:
    reader = ReplyReader()
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.take()) is not None:
            found.append((reply.code, reply.text))
    return found


@pytest.mark.parametrize(
    ("stream", "replies"),
    [
        (b"250 ok\r\n", [(250, b"250 ok\n")]),
        (b"250\r\n", [(250, b"250\n")]),
        (b"250 ok\n", [(250, b"250 ok\n")]),
        (b"250-a\r\n250-b\r\n250 c\r\n", [(250, b"250-a\n250-b\n250 c\n")]),
        (b"250-a\r\n250\r\n", [(250, b"250-a\n250\n")]),
        (b"250 a\r\n550 b\r\n", [(250, b"250 a\n"), (550, b"550 b\n")]),
        (b"250-a\r\n550-b\r\n250 c\r\n", [(550, b"250-a\n550-b\n250 c\n")]),
        (b"250-a\r\n250 b", []),
        (b"", []),
    ],
)
def test_replies(stream: bytes, replies: list[tuple[int, bytes]]) -> None:
    for pieces in arrivals(stream):
        assert taken(pieces) == replies


@pytest.mark.parametrize(
    "line", [b"\r\n", b"ok\r\n", b"25\r\n", b"2 5 0\r\n", b"-50 no\r\n", b"\xb2\xb3\xb9 x\r\n", b"<html>\n"]
)
def test_what_is_no_reply(line: bytes) -> None:
    for stream in (line, b"250-first\r\n" + line):
        for pieces in arrivals(stream):
            with pytest.raises(FormatError):
                taken(pieces)


def test_limits() -> None:
    longest = b"250 " + b"x" * (smtpreply.LINE_LIMIT - 4)
    assert len(taken([longest + b"\n"])) == 1
    for ending in (b"", b"\n"):
        with pytest.raises(FormatError):
            taken([longest + b"x" + ending])
    line = b"250-" + b"x" * 1019 + b"\n"
    most = line * (smtpreply.SIZE_LIMIT // len(line) - 1)
    [(code, text)] = taken([most, b"250 " + b"x" * 1019 + b"\n"])
    assert (code, text) == (250, most[: smtpreply.TEXT_LIMIT])
    with pytest.raises(FormatError):
        taken([most, line, b"250\n"])


def test_what_it_was_that_made_no_sense() -> None:
    reader = ReplyReader()
    reader.feed(b"250-first\r\nsecond\r\nthird")
    with pytest.raises(FormatError):
        reader.take()
    assert reader.said() == b"250-first\nsecond\nthird"


def test_idle() -> None:
    reader = ReplyReader()
    assert reader.idle
    for piece in (b"2", b"50-a\r\n", b"250 b\r\n"):
        reader.feed(piece)
        assert not reader.idle
        reader.take()
    assert reader.idle
    reader.feed(b"250-a\r\n")
    assert reader.take() is None
    assert not reader.idle


def test_kinds() -> None:
    kinds = [
        (reply.accepted, reply.rejected)
        for reply in (smtpreply.Reply(code, b"") for code in (199, 200, 299, 300, 499, 500, 599, 600))
    ]
    assert kinds == [
        (False, False),
        (True, False),
        (True, False),
        (False, False),
        (False, False),
        (False, True),
        (False, True),
        (False, False),
    ]


def test_capabilities() -> None:
    text = b"250-mail.example SIZE 1\n250-size 1000\n250-AUTH PLAIN login\n250-AUTH=CRAM-MD5\n250-\n250 StartTLS\n"
    assert smtpreply.Reply(250, text).capabilities() == {
        b"SIZE": [b"1000"],
        b"AUTH": [b"PLAIN", b"LOGIN", b"CRAM-MD5"],
        b"STARTTLS": [],
    }
    assert smtpreply.Reply(250, b"250 mail.example\n").capabilities() == {}


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes(pieces: list[bytes]) -> None:
    try:
        taken(pieces)
    except FormatError:
        pass
