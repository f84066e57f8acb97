"""How a message is written in an mbox. Not tested: years before 1970."""

from __future__ import annotations

import pytest

from smarthost.formats import mbox


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, b"Thu Jan 01 00:00:00 1970"), (1_795_342_144, b"Sun Nov 22 10:09:04 2026")],
)
def test_the_time_is_utc_and_in_english(seconds: int, said: bytes) -> None:
    assert mbox.ctime(seconds) == said


@pytest.mark.parametrize(
    ("first_line", "sender"),
    [
        (b"Return-Path: <joe@example.com>\n", b"joe@example.com"),
        (b"Return-Path: <>\n", b"MAILER-DAEMON"),
        (b"Return-Path: <joe\tq public@example.com>\n", b"joe-q-public@example.com"),
        (b"Return-Path: <\n", b""),
        (b"Return-Path: <unfinished@example.com", b"XXX"),
        (b"return-path: <joe@example.com>\n", b"XXX"),
        (b"Subject: hello\n", b"XXX"),
        (b"", b"XXX"),
    ],
)
def test_the_sender_is_the_return_path(first_line: bytes, sender: bytes) -> None:
    assert mbox.from_line(first_line, 0) == b"From " + sender + b" Thu Jan 01 00:00:00 1970\n"


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        (b"From here\n", b">From here\n"),
        (b">>From here\n", b">>>From here\n"),
        (b"From: here\n", b"From: here\n"),
        (b"> From here\n", b"> From here\n"),
        (b"\n", b"\n"),
    ],
)
def test_what_looks_like_a_from_line_is_quoted(line: bytes, quoted: bytes) -> None:
    assert mbox.quoted(line) == quoted
