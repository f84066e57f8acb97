"""A message on a few lines. Not tested: nothing known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smarthost.formats.mailsummary import TEXT_LIMIT, summary

if TYPE_CHECKING:
    from collections.abc import Iterator


def shown(message: bytes) -> bytes:
    return summary(message.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (
            (
                b"Return-Path: <joe@example.com>\nDelivered-To: ann@example.org\nFrom: Joe <joe@example.com>\n"
                b"Subject: hello\n\nHow are\nyou?\n"
            ),
            (
                b"FROM <joe@example.com> TO <ann@example.org>\n\033[1mFrom: Joe <joe@example.com>\033[0m\n"
                b"hello//How are/you?/\n\n"
            ),
        ),
        (b"", b"FROM ? TO <?>\n\n\n"),
        (b"Return-Path:\nDelivered-To: \nX: y\n", b"FROM ? TO <?>\n\n\n"),
        (b"FROM:\n joe\n", b"FROM ? TO <?>\n\033[1mFROM:/ joe\033[0m\n\n\n"),
        (b"Delivered-To: a\x1b[2Jb\n\n\xff", b"FROM ? TO <a?[2Jb>\n///\n\n"),
        (
            b"Subject: one\nSubject: two\nFrom: a\nFrom: b\n",
            b"FROM ? TO <?>\n\033[1mFrom: b\033[0m\none/two/\n\n",
        ),
    ],
)
def test_a_message_and_its_lines(message: bytes, lines: bytes) -> None:
    assert shown(message) == lines


@pytest.mark.parametrize("length", [TEXT_LIMIT - 1, TEXT_LIMIT, TEXT_LIMIT + 1])
@pytest.mark.parametrize("message", [b"Subject: %b", b"\n%b"])
def test_text_has_a_limit(message: bytes, length: int) -> None:
    last = shown(message % (b"x" * length) + b"\nmore\n").split(b"\n")[1]
    assert len(last) == TEXT_LIMIT


def test_a_long_body_is_not_read() -> None:
    def lines() -> Iterator[bytes]:
        yield b"\n"
        yield b"x" * TEXT_LIMIT
        pytest.fail("it went on reading")

    assert summary(lines()).startswith(b"FROM ? TO <?>\n/xxx")
