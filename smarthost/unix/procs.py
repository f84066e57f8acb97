"""Which process is that? An id alone does not tell, for it is used again."""

from __future__ import annotations

import os

NO_START = 0


def boot_id() -> bytes:
    """Which start of the system this is; empty where that is not told."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            return file.read(100).strip()
    except OSError:
        return b""


def started(pid: int | str) -> int:
    """When the process was started, in ticks since the system was; NO_START if it is gone, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            # The name in the second field may hold anything, a bracket too.
            fields = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return NO_START
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return NO_START
    return int(fields[19])


def take_hold(pid: int, start: int) -> int | None:
    """A descriptor of the process, closed by exec, if it is the one that was started then and still runs.

    It can be read once the process has ended, whosever child it was.
    """
    if start == NO_START:
        return None
    try:
        held = os.pidfd_open(pid)
    except OSError:
        return None
    # Looked at after it is held: what is held now cannot become another.
    if started(pid) == start:
        return held
    os.close(held)
    return None
