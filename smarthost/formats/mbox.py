"""How a message is written in an mbox: the From_ line above it, `>` before what looks like one, a blank line.

Written as maildir2mbox of the originals does; mbox(5) calls it the mboxrd format.
"""

from __future__ import annotations

import time

_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = (
    *(b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun"),
    *(b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"),
)

# A Return-Path line as the originals recognise it: this case, this one blank.
_RETURN_PATH = b"Return-Path: <"

SEPARATOR = b"\n"


def ctime(seconds: int) -> bytes:
    """`Sun Nov 22 10:09:04 2026`, in UTC, whatever the locale says."""
    at = time.gmtime(seconds)
    return b"%b %b %02d %02d:%02d:%02d %d" % (
        _DAYS[at.tm_wday],
        _MONTHS[at.tm_mon - 1],
        at.tm_mday,
        at.tm_hour,
        at.tm_min,
        at.tm_sec,
        at.tm_year,
    )


def from_line(first_line: bytes, seconds: int) -> bytes:
    """The From_ line for a message that begins with `first_line` and arrived at `seconds`.

    The sender is the one of the Return-Path that qmail-local puts first; without that it is XXX,
    and a bounce's empty one is MAILER-DAEMON. Blanks in it would end it, so they become dashes.
    """
    sender = b"XXX"
    if first_line.startswith(_RETURN_PATH) and first_line.endswith(b"\n"):
        rest = first_line[len(_RETURN_PATH) :]
        sender = b"MAILER-DAEMON"
        if not rest.startswith(b">"):
            sender = rest[:-2].replace(b" ", b"-").replace(b"\t", b"-")
    return b"From " + sender + b" " + ctime(seconds) + b"\n"


def quoted(line: bytes) -> bytes:
    """The line, with one `>` more if it would be taken for a From_ line or for a quoted one."""
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line
