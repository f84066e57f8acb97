"""How processes are asked for."""

from __future__ import annotations

import errno
import os
import time

from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

# How often `end_group` looks whether it is over: it is rare, and there is nothing else to do meanwhile.
_GLANCE: Final = 0.01


def fork_child(body: Callable[[], int]) -> int:
    """Run `body` in a child, which exits with what it answers (111 if it raises). The child's pid.

    Raises OSError if there can be no child.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 111
    try:
        status = body()
    finally:
        os._exit(status)


def spawn(file: bytes, argv: list[bytes], environ: Mapping[bytes, bytes], places: Mapping[int, int]) -> int:
    """Start `file`, not looked for along PATH, in this directory; the child's pid.

    `places` says which of our descriptors stands where in the child. They are put there in this
    order, so a later one must not lie where an earlier one goes: have 0, 1 and 2 open. SIGPIPE stays
    ignored, as qmail's programs leave it to theirs (glibc also leaves 32 and 33 so, which are its own).
    Raises OSError, also when the exec fails.
    """
    if not file:  # to the kernel a file that is not there; to Python a mistake
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return os.posix_spawn(
        file,
        argv,
        environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, ours, place) for place, ours in places.items()],
        setsigdef=[signals.SIGXFSZ],
    )


def fork_group(body: Callable[[], int]) -> int:
    """The same, in a process group of its own, which is in effect when this returns."""

    def child() -> int:
        os.setpgid(0, 0)
        return body()

    pid = fork_child(child)
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has come to its exec, or its end, and so done it
    return pid


def end_group(pid: int, courtesy: float) -> None:
    """End a child that leads a group, and the group with it: SIGTERM, and SIGKILL after so many seconds."""
    _signal_group(pid, signals.SIGTERM)
    until = time.monotonic() + courtesy
    while ended(pid) is None:
        if time.monotonic() >= until:
            _signal_group(pid, signals.SIGKILL)
            wait(pid)
            return
        time.sleep(_GLANCE)
    _signal_group(pid, signals.SIGKILL)  # whom it started and left


def _signal_group(pid: int, signum: int) -> None:
    try:
        os.killpg(pid, signum)
    except OSError:
        pass  # nobody is left


def ended(pid: int) -> int | None:
    """What `wait` answers, or None while the child runs. Raises ChildProcessError."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def wait(pid: int) -> int:
    """Wait for the child's end; its exit status, or minus the signal. Raises ChildProcessError."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
