"""How processes are asked for."""

from __future__ import annotations

import errno
import os

from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


def wait(pid: int) -> int:
    """Wait for the child's end; its exit status, or minus the signal. Raises ChildProcessError."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
