"""What /proc tells of a process that may end, or close a file, between two looks: nothing here fails for that.

The answers about one that is gone are empty. No other file reads /proc/PID, and a test keeps it so.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.waiting import eventually

# The last is for one that is becoming somebody else.
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except GONE:
        return b""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except GONE:
        return ""


def all_there() -> list[int]:
    """The ids of this moment."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def fields(pid: int) -> list[str]:
    """Of proc_pid_stat(5), from the third on, which is the state."""
    return _read(pid, "stat").rpartition(b")")[2].decode().split()


def state(pid: int) -> str:
    """One letter; Z also for one that has been waited for."""
    found = fields(pid)
    return found[0] if found else "Z"


def ended(pid: int) -> bool:
    """Whether it runs no more, waited for or not."""
    return state(pid) in "ZX"


def gone(pid: int) -> bool:
    """Whether it has ended and has been waited for."""
    return not os.path.exists(f"/proc/{pid}")


def name(pid: int) -> str:
    return _read(pid, "comm").decode().removesuffix("\n")


def command_line(pid: int) -> list[bytes]:
    return _read(pid, "cmdline").removesuffix(b"\0").split(b"\0")


def program(pid: int) -> str:
    """The file that it runs."""
    return _link(f"/proc/{pid}/exe")


def directory(pid: int) -> str:
    """Where it works."""
    return _link(f"/proc/{pid}/cwd")


def status(pid: int) -> dict[str, str]:
    """proc_pid_status(5) by its labels."""
    lines = _read(pid, "status").decode().splitlines()
    return {label: value.strip() for label, _, value in (line.partition(":") for line in lines)}


def cpu(pid: int) -> int:
    """What it has used, in clock ticks."""
    return sum(map(int, fields(pid)[11:13]))


def begun(pid: int) -> int:
    """When it began, in clock ticks after the machine; 0 for one that is gone."""
    found = fields(pid)
    return int(found[19]) if found else 0


def maps(pid: int) -> str:
    """proc_pid_maps(5): which files are in its memory."""
    return _read(pid, "maps").decode(errors="replace")


def children(pid: int) -> list[int]:
    """Those of its first thread, waited for or not."""
    return [int(word) for word in _read(pid, f"task/{pid}/children").split()]


def descriptors(pid: int) -> dict[int, str]:
    """What each leads to. One that is closed meanwhile is left out."""
    try:
        listed = os.listdir(f"/proc/{pid}/fd")
    except GONE:
        return {}
    found = {int(number): _link(f"/proc/{pid}/fd/{number}") for number in listed}
    return {number: place for number, place in found.items() if place}


def waits_for_a_lock(pid: int) -> bool:
    """/proc/locks lists a waiting process behind an arrow."""
    entries = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(entry[1] == "->" and str(pid) in entry for entry in entries)


def kill(pid: int) -> None:
    """SIGKILL, unless it has ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_group(pid: int) -> None:
    """SIGKILL for all whom it leads and who are left. When this returns, what they had open is closed."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    eventually(lambda: not any(_belongs_to(each, pid) for each in all_there()), "the end of a process group")


def _belongs_to(pid: int, group: int) -> bool:
    """Whether it is in that group, and has not ended."""
    found = fields(pid)
    return bool(found) and found[2] == str(group) and found[0] not in "ZX"
