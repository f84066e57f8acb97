"""Which process was started last for a service: supervise/child, from which the next engine adopts it.

    run 2311 86402113 3f0b8a52-6a5e-4b6e-9d0a-2f8d5a4f2c11

run, finish or none; the process id; when it was started, in the kernel's ticks since the system was;
which start of the system that was. Blanks up to a length that never changes, and a newline: it is written over in
place, which needs no room on a full disk.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SIZE: Final = 96

RUN: Final = b"run"
FINISH: Final = b"finish"
NONE: Final = b"none"


class LastChild:
    """kind: RUN, FINISH or NONE, with which no process is meant."""

    __slots__ = ("boot", "kind", "pid", "started")

    def __init__(self, kind: bytes, pid: int, started: int, boot: bytes) -> None:
        self.kind: Final = kind
        self.pid: Final = pid
        self.started: Final = started
        self.boot: Final = boot


def pack(child: LastChild) -> bytes:
    line = b"%b %d %d %b" % (child.kind, child.pid, child.started, child.boot)
    return line[: SIZE - 1].ljust(SIZE - 1) + b"\n"


def unpack(data: bytes) -> LastChild:
    """Raises FormatError."""
    words = data[:SIZE].split()
    if len(words) != 4 or words[0] not in (RUN, FINISH, NONE):
        raise FormatError("no record of a child")
    if not (words[1].isdigit() and words[2].isdigit()):
        raise FormatError("not a number")
    return LastChild(words[0], int(words[1]), int(words[2]), words[3])
