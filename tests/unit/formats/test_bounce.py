"""The text of a bounce.

Not tested here but beside the original: tests/differential/test_qmail_send.py.
"""

from __future__ import annotations

import pytest

from smarthost.formats import bounce


@pytest.mark.parametrize(
    ("recipient", "report", "paragraph"),
    [
        (b"a@b", b"Sorry.\n", b"<a@b>:\nSorry.\n\n"),
        (b"a@b", b"no newline", b"<a@b>:\nno newline\n\n"),
        (b"a@b", b"", b"<a@b>:\n\n"),
        (b"a\nb@c\n", b"x", b"<a_b@c_>:\nx\n\n"),
        (b"a@b", b"one\n\ntwo\n", b"<a@b>:\none\n/two\n\n"),
        (b"a@b", b"one\n\n\n\ntwo", b"<a@b>:\none\n///two\n\n"),
        (b"a@b", b"\nfirst", b"<a@b>:\n/first\n\n"),
        (b"a@b", b"end\n\n", b"<a@b>:\nend\n\n\n"),
        (b"a@b", b"end\n\n\n", b"<a@b>:\nend\n/\n\n"),
        (b"a@b", b"\n", b"<a@b>:\n\n\n"),
    ],
)
def test_a_paragraph_ends_in_the_only_empty_line(recipient: bytes, report: bytes, paragraph: bytes) -> None:
    """But for a report that itself ends in one, where the original leaves two."""
    assert bounce.paragraph(recipient, report) == paragraph


def test_the_first_words() -> None:
    text = bounce.opening(
        0, b"MAILER-DAEMON", b"here.example", b"odd box@sender.example", b"odd box@sender.example"
    )
    assert text == (
        b"Date: 1 Jan 1970 00:00:00 -0000\n"
        b"From: MAILER-DAEMON@here.example\n"
        b'To: "odd box"@sender.example\n'
        b"Subject: failure notice\n"
        b"\n"
        b"Hi. This is the qmail-send program at here.example.\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        b"This is a permanent error; I've given up. Sorry it didn't work out.\n"
        b"\n"
    )
    assert bounce.heading(b"me@sender.example") == (
        b"--- Below this line is a copy of the message.\n\nReturn-Path: <me@sender.example>\n"
    )


def test_a_double_bounce() -> None:
    text = bounce.opening(0, b"bounce box", b"here.example", b"postmaster@here.example", b"")
    assert b'From: "bounce box"@here.example\nTo: postmaster@here.example\n' in text
    assert text.endswith(b"I tried to deliver a bounce message to this address, but the bounce bounced!\n\n")
    assert bounce.heading(b"") == b"--- Below this line is the original bounce.\n\nReturn-Path: <>\n"
