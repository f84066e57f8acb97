"""The Received lines that qmail's programs put above a message."""

from __future__ import annotations

from time import gmtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SAFE: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@%+/=:-[]"
_TO_SAFE: Final = bytes(byte if byte in SAFE else 0x3F for byte in range(256))

_MONTHS: Final = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

UNKNOWN: Final = b"unknown"
LOCALHOST: Final = b"localhost"


def date(seconds: int) -> bytes:
    """A Unix time as `2 Nov 2026 10:09:04 -0000`: UTC, the day not padded."""
    moment = gmtime(seconds)
    return b"%d %s %d %02d:%02d:%02d -0000" % (
        moment.tm_mday,
        _MONTHS[moment.tm_mon - 1],
        moment.tm_year,
        moment.tm_hour,
        moment.tm_min,
        moment.tm_sec,
    )


def safe(text: bytes) -> bytes:
    """What a peer could choose, without the bytes that mean something in a header."""
    return text.translate(_TO_SAFE)


def by_network(
    protocol: bytes,
    seconds: int,
    *,
    local: bytes | None,
    remote_ip: bytes | None,
    remote_host: bytes | None,
    remote_info: bytes | None,
) -> bytes:
    """The line of a server (received.c); None is what the UCSPI environment does not say."""
    info = b"" if remote_info is None else safe(remote_info) + b"@"
    return b"Received: from %s (%s%s)\n  by %s with %s; %s\n" % (
        safe(UNKNOWN if remote_host is None else remote_host),
        info,
        safe(UNKNOWN if remote_ip is None else remote_ip),
        safe(UNKNOWN if local is None else local),
        protocol,
        date(seconds),
    )


def by_socket(protocol: bytes, seconds: int, *, local: bytes | None, remote_uid: bytes | None) -> bytes:
    """The line of a server whose client is a process of the same host, known by its user's number.

    Shaped as the one above, so that who reads that can read this: a name, a comment, `by`, `with`.
    """
    return b"Received: from %s (uid %s)\n  by %s with %s; %s\n" % (
        LOCALHOST,
        safe(UNKNOWN if remote_uid is None else remote_uid),
        safe(LOCALHOST if local is None else local),
        protocol,
        date(seconds),
    )


def by_queue(pid: int, invoked: bytes, seconds: int) -> bytes:
    """qmail-queue's line; `invoked` is `by uid 1000` and the like."""
    return b"Received: (qmail %d invoked %s); %s\n" % (pid, invoked, date(seconds))
