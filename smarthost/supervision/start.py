"""How ./run and ./finish are started, and what they find: as under supervise.

The service's own directory as the working directory, the engine's environment, every signal at its
default and none blocked, no descriptor above 2 but the one that the service asked for, and the
descriptor limit that the engine itself was started with. Beyond supervise: a session of its own. So
Ctrl-C at the engine's terminal reaches the engine alone; and a service that is paused while the engine is
killed stays so, where the kernel would send HUP and CONT to a process group that has lost its last tie.

fork and not posix_spawn: the child writes down who it is before exec. Until then it has a
descriptor of the service's lock, so that there is no moment at which the next engine could find
the lock free and nothing written, and start a second one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
from typing import TYPE_CHECKING, Final, NoReturn

from smarthost.formats import lastchild
from smarthost.unix import procs, signals

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL: Final = tuple(sorted(int(number) for number in signal.valid_signals()))
_SETTABLE: Final = tuple(number for number in _ALL if number not in (signal.SIGKILL, signal.SIGSTOP))


class Starter:
    """Starts programs in service directories. Made once, before the engine changes its own limits.

    `null`: whether standard input is /dev/null, unless it is a pipe; else it is the engine's own.
    """

    def __init__(self, environ: Mapping[bytes, bytes], *, null: bool) -> None:
        self._environ = environ
        self._limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) if null else -1
        self.boot = procs.boot_id()

    def start(
        self, home: int, argv: list[bytes], places: Mapping[int, int], *, record: int, kind: bytes
    ) -> int:
        """Start argv[0] in the directory `home`; its process id.

        `places` says which of our descriptors stands where in the child; `record` is what it writes down
        who it is. Raises OSError with the reason why it could not be started.
        """
        if self._null >= 0 and 0 not in places:
            places = {0: self._null, **places}
        told, tell = os.pipe2(os.O_CLOEXEC)
        try:
            # A signal that came between fork and exec would be lost in the engine's handlers.
            before = signals.set_mask(_ALL)
            try:
                pid = os.fork()
                if not pid:
                    self._become(home, argv, places, record=record, kind=kind, tell=tell)
            finally:
                signals.set_mask(before)
        finally:
            os.close(tell)
            failure = b""
            try:
                failure = os.read(told, 16)  # ends with the exec, which closes the other end
            finally:
                os.close(told)
        if failure:
            os.waitpid(pid, 0)
            raise OSError(int(failure), os.strerror(int(failure)))
        return pid

    def _become(
        self, home: int, argv: list[bytes], places: Mapping[int, int], *, record: int, kind: bytes, tell: int
    ) -> NoReturn:
        """The child's side."""
        status = errno.EINVAL
        try:
            for number in _SETTABLE:
                signals.uncatch(number)
            os.setsid()
            # What we hold may lie where something is to be put.
            room = max(places, default=0) + 1
            if room > 3:
                tell, record, home = (
                    fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, room) for ours in (tell, record, home)
                )
                places = {
                    place: fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, room) for place, ours in places.items()
                }
            for place, ours in places.items():
                os.dup2(ours, place)
            os.fchdir(home)
            me = os.getpid()
            child = lastchild.LastChild(kind, me, procs.started("self"), self.boot)
            try:
                os.pwrite(record, lastchild.pack(child), 0)
            except OSError:
                pass  # the next engine cannot adopt it: no reason not to start it
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(self._limit[0], hard), min(self._limit[1], hard)))
            signals.set_mask(())
            os.execve(argv[0], argv, self._environ)
        except OSError as error:
            status = error.errno or status
        finally:
            try:
                os.write(tell, b"%d" % status)
            finally:
                os._exit(111)

    def close(self) -> None:
        if self._null >= 0:
            os.close(self._null)


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
    """As many descriptors as the system allows us: ten for each service with a logger."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
