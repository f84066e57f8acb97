"""How a service's ./run is started, and what it finds: as under supervise.

Its own directory as the working directory, the engine's environment, every signal at its default
and none blocked, no descriptor above 2, and the descriptor limit that the engine itself was
started with. Beyond supervise: a process group of its own, so that Ctrl-C at the engine's
terminal reaches the engine alone, and /dev/null as standard input, which is what svscanboot gives.

posix_spawn and not fork: nothing of Python runs in the child, so no signal is lost between fork and
exec in supervisord's handlers, and a run that cannot be started is known at once, with its reason.
"""

from __future__ import annotations

import os
import resource
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class Starter:
    """Starts ./run in any directory. Made once, before the engine changes its own limits."""

    def __init__(self, environ: Mapping[bytes, bytes]) -> None:
        self._environ = environ
        self._limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self._here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def start(self, directory: bytes, stdin: int | None, stdout: int | None) -> int:
        """The new process's id. Raises OSError with the reason why run could not be started."""
        # posix_spawn can change neither the directory nor a limit, so they are this process's own
        # for that moment. It has one thread, and nothing else looks.
        actions = [(os.POSIX_SPAWN_DUP2, self._null if stdin is None else stdin, 0)]
        if stdout is not None:
            actions.append((os.POSIX_SPAWN_DUP2, stdout, 1))
        mine = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.chdir(directory)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._limit[0], mine[1]))
            return os.posix_spawn(
                b"./run",
                [b"./run"],
                self._environ,
                file_actions=actions,
                setpgroup=0,
                setsigmask=(),
                setsigdef=_SETTABLE,
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, mine)
            os.fchdir(self._here)

    def close(self) -> None:
        os.close(self._null)
        os.close(self._here)


def keep_to_ourselves() -> None:
    """Let no descriptor that this process was started with, but 0 to 2, go on to a service."""
    while (descriptor := os.open("/dev/null", os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass  # the descriptor of that listing itself


def raise_limit() -> None:
    """As many descriptors as the system allows us: two for each service with a logger."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
