"""What supervise says about its service: the 18 bytes of supervise/status.

    0-7    the second of the last change, a TAI64 label; the greater end first
    8-11   its nanoseconds; the greater end first
    12-15  the process id, 0 when down; the smaller end first
    16     not zero: paused
    17     what is wanted: u up, d down, zero: nothing more once it ends (svc -o)

Source: daemontools' supervise.c and svstat.c.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SIZE: Final = 18

WANT_UP: Final = b"u"
WANT_DOWN: Final = b"d"
WANT_NOTHING: Final = b"\0"


class Status:
    """since: the second of the last change as TAI64 counts it (formats.tai64.EPOCH is 1970)."""

    __slots__ = ("nanoseconds", "paused", "pid", "since", "want")

    def __init__(
        self, since: int, nanoseconds: int, pid: int, *, paused: bool = False, want: bytes = WANT_UP
    ) -> None:
        self.since: Final = since
        self.nanoseconds: Final = nanoseconds
        self.pid: Final = pid
        self.paused: Final = paused
        self.want: Final = want


def pack(status: Status) -> bytes:
    return b"%b%b%b%c%b" % (
        status.since.to_bytes(8, "big"),
        status.nanoseconds.to_bytes(4, "big"),
        status.pid.to_bytes(4, "little"),
        status.paused,
        status.want,
    )


def unpack(data: bytes) -> Status:
    """Raises FormatError for too few bytes; what follows the 18th is not looked at."""
    if len(data) < SIZE:
        raise FormatError(f"a status has {SIZE} bytes")
    return Status(
        int.from_bytes(data[:8], "big"),
        int.from_bytes(data[8:12], "big"),
        int.from_bytes(data[12:16], "little"),
        paused=data[16] != 0,
        want=data[17:18],
    )


def seconds(since: int, now: int) -> int:
    """How long ago that was; a change that is still to come was just now."""
    # A double has room for 53 bits: the original shows the seconds of a nonsensical label as this does.
    return int(float(max(now - since, 0)))


def describe(status: Status, now: int, *, normally_up: bool, ready_since: int | None = None) -> bytes:
    """The words of svstat. `now` and `ready_since` as `since`."""
    ago = seconds(status.since, now)
    if status.pid:
        words = b"up (pid %d) %d seconds" % (status.pid, ago)
        words += b"" if normally_up else b", normally down"
        words += b", paused" if status.paused else b""
        words += b", want down" if status.want == WANT_DOWN else b""
        return words + (b", ready %d seconds" % seconds(ready_since, now) if ready_since is not None else b"")
    words = b"down %d seconds" % ago
    words += b", normally up" if normally_up else b""
    return words + (b", want up" if status.want == WANT_UP else b"")
