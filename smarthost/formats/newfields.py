"""The fields that a new message is given: when it was written, and its name in the world (newfield.c)."""

from __future__ import annotations

from time import gmtime

from smarthost.formats import received


def date(seconds: int) -> bytes:
    """The Date field for a Unix time, in UTC: `Date: 2 Nov 2026 10:09:04 -0000`."""
    return b"Date: %s\n" % received.date(seconds)


def message_id(seconds: int, pid: int, host: bytes) -> bytes:
    """The Message-ID field: no two processes of a host have the same time and pid."""
    moment = gmtime(seconds)[:6]
    return b"Message-ID: <%d%02d%02d%02d%02d%02d.%d.qmail@%s>\n" % (*moment, pid, host)


def local_date(seconds: int, offset: int) -> bytes:
    """The Date field for a Unix time where clocks are `offset` seconds ahead of UTC:
    `Date: 2 Nov 2026 11:09:04 +0100`.
    """
    minutes = (abs(offset) + 30) // 60
    sign = b"-" if offset < 0 else b"+"
    return b"Date: %s%s%02d%02d\n" % (received.date(seconds + offset)[:-5], sign, *divmod(minutes, 60))
