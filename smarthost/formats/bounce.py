"""What does a bounce say? QSBMF: words for people that programs can read too (qmail-send.c).

Hi. This is the qmail-send program at HOST.      opening, after the header
I'm afraid I wasn't able to deliver ...
                                                 a paragraph for each recipient: bounce/N holds them
<carolyn@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.    heading

Return-Path: <sender@example.org>
"""

from __future__ import annotations

from smarthost.formats import mailbox, newfields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_OPENING: Final = b"Hi. This is the qmail-send program at %s.\n"
_FAILED: Final = b"""\
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

"""
_BOUNCED: Final = b"""\
I tried to deliver a bounce message to this address, but the bounce bounced!

"""
_MESSAGE_BELOW: Final = b"--- Below this line is a copy of the message.\n\n"
_BOUNCE_BELOW: Final = b"--- Below this line is the original bounce.\n\n"


def paragraph(recipient: bytes, report: bytes) -> bytes:
    """What bounce/N gets for a recipient. Only its end is an empty line."""
    text = b"<" + recipient.replace(b"\n", b"_") + b">:\n" + report
    if report and not report.endswith(b"\n"):
        text += b"\n"
    single = bytearray(text)
    at = text.find(b"\n\n", 0, -1)
    while at >= 0:
        single[at + 1] = 0x2F
        at = text.find(b"\n\n", at + 1, -1)
    return bytes(single) + b"\n"


def opening(seconds: int, from_box: bytes, host: bytes, to: bytes, sender: bytes) -> bytes:
    """The header and the first words. `sender` is the message's own; empty, the message is itself a bounce."""
    return b"%sFrom: %s@%s\nTo: %s\nSubject: failure notice\n\n%s%s" % (
        newfields.date(seconds),
        mailbox.quoted_box(from_box),
        host,
        mailbox.quoted(to),
        _OPENING % host,
        _FAILED if sender else _BOUNCED,
    )


def heading(sender: bytes) -> bytes:
    """What stands above the copy of the message."""
    below = _MESSAGE_BELOW if sender else _BOUNCE_BELOW
    return b"%sReturn-Path: <%s>\n" % (below, mailbox.quoted(sender))
