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

_FROM = b"From "
_QUOTE = ord(">")
_NEWLINE = ord("\n")


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


class Quoter:
    """The same for a message in blocks, of which no line need be held."""

    __slots__ = ("_begins", "_held", "_last")

    def __init__(self) -> None:
        self._held = b""  # the beginning of a "From " that the block's end cut off
        self._begins = True  # whether the line that we are in has nothing but `>` so far
        self._last = b"\n"

    def feed(self, block: bytes) -> bytes:
        text = self._held + block
        pieces: list[bytes] = []
        done = 0
        at = text.find(_FROM)
        while at >= 0:
            start = at
            while start > 0 and text[start - 1] == _QUOTE:
                start -= 1
            if self._begins if start == 0 else text[start - 1] == _NEWLINE:
                pieces += (text[done:at], b">")
                done = at
            at = text.find(_FROM, at + len(_FROM))
        newline = text.rfind(b"\n")
        line = text[newline + 1 :].lstrip(b">")
        self._begins = self._begins if newline < 0 else True
        if self._begins and line != _FROM and _FROM.startswith(line):
            self._held = line
            pieces.append(text[done : len(text) - len(line)])
        else:
            self._held = b""
            self._begins = False
            pieces.append(text[done:])
        self._last = text[-1:] or self._last
        return b"".join(pieces)

    def finish(self) -> bytes:
        """What is left to write: a last line that lacks its newline gets one, and the blank line comes."""
        return self._held + (SEPARATOR if self._last == b"\n" else b"\n" + SEPARATOR)


def quoted(line: bytes) -> bytes:
    """The line, with one `>` more if it would be taken for a From_ line or for a quoted one."""
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line
