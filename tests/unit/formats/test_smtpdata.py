from __future__ import annotations

import pytest

from smarthost.formats.smtpdata import HELD_LIMIT, DataDecoder
from tests.support.arrivals import arrivals

LONG = b"x" * (HELD_LIMIT + 1)


def decoded(arrival: list[bytes], *, bare: bool) -> tuple[bytes, bytes | None]:
    decoder = DataDecoder(bare=bare)
    message = b""
    behind = b""
    for block in arrival:
        if decoder.done:
            behind += block
        else:
            message += decoder.feed(block)
    return message, decoder.rest + behind if decoder.done else None


@pytest.mark.parametrize(
    ("stream", "bare", "message", "rest"),
    [
        (b".\r\n", False, b"", b""),
        (b"a\r\n..b\r\n.c\r\n.\r\nQUIT\r\n", False, b"a\n.b\nc\n", b"QUIT\r\n"),
        (b"a\n.\nb\r\n.\r\n", False, b"a\n.\nb\n", b""),
        (b"a\n.\r\nb\r\n.\r\n", False, b"a\n.\nb\n", b""),
        (b".\nb\r\n.\r\n", False, b"\nb\n", b""),
        (b"a\r\n.\nb\r\n.\r\n", False, b"a\n\nb\n", b""),
        (b"a\rb\r\r\n.\r\n", False, b"a\rb\r\n", b""),
        (b"a\n..b\n.\nQUIT\n", True, b"a\n.b\n", b"QUIT\n"),
        (b"a\r\nb\n.\r\n", True, b"a\nb\n", b""),
        (b"a\r\n", False, b"a\n", None),
    ],
)
def test_messages(stream: bytes, bare: bool, message: bytes, rest: bytes | None) -> None:
    for arrival in arrivals(stream):
        assert decoded(arrival, bare=bare) == (message, rest)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([LONG, b"y\r\n", b".\r\n"], LONG + b"y\n"),
        ([b"." + LONG, b"y\r\n.\r\n"], LONG + b"y\n"),
        ([LONG + b"\r", b"\n.\r\n"], LONG + b"\n"),
        ([LONG, LONG + b".", b".\r\n", b".\r\n"], LONG + LONG + b"..\n"),
    ],
)
def test_a_long_line_is_handed_on_in_pieces(blocks: list[bytes], message: bytes) -> None:
    assert decoded(blocks, bare=False) == (message, b"")
    decoder = DataDecoder(bare=False)
    assert len(decoder.feed(blocks[0])) >= HELD_LIMIT
