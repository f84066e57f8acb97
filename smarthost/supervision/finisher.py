"""./finish, which is run each time ./run has ended, before it is started again. As under s6.

Its arguments: the exit status of ./run, or 256 if a signal ended it; that signal, else 0; the name of the
service; the process group of ./run, in which some may be left. How a process ended that was taken over
from another engine is not told to anybody: 256 and 0. Exit status 125 says that it is not to be started again.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from smarthost.formats import lastchild
from smarthost.supervision.children import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM: Final = b"./finish"
SIGNALLED: Final = 256
NEVER_AGAIN: Final = 125


class Finisher:
    """over: is called with its exit status, or None for any other end."""

    def __init__(self, options: Any, over: Callable[[int | None], None]) -> None:
        self._options = options
        self._over = over
        self._child: Child | None = None
        self._kill_at: float | None = None

    @property
    def running(self) -> bool:
        return self._child is not None

    def start(
        self,
        home: int,
        record: int,
        places: Mapping[int, int],
        arguments: list[bytes],
        within: float | None,
    ) -> None:
        """Raises OSError."""
        pid = self._options.starter.start(
            home, [PROGRAM, *arguments], places, record=record, kind=lastchild.FINISH
        )
        self._begun(Child(self._options, pid, self._ended), within)

    def adopt(self, pid: int, held: int, within: float | None) -> None:
        self._begun(Child(self._options, pid, self._ended, held), within)

    def _begun(self, child: Child, within: float | None) -> None:
        self._child = child
        self._kill_at = None if within is None else time.monotonic() + within
        if self._kill_at is not None:
            self._options.poller.wake_at(self._kill_at)

    def check(self, now: float) -> bool:
        """Kill it if it is late; whether that was done now."""
        if self._child is None or self._kill_at is None:
            return False
        if now < self._kill_at:
            self._options.poller.wake_at(self._kill_at)
            return False
        self._child.signal(signal.SIGKILL)
        self._kill_at = None
        return True

    def _ended(self, status: int | None) -> None:
        self._child = None
        self._over(os.waitstatus_to_exitcode(status) if status is not None else None)

    def drop(self) -> None:
        if self._child is not None:
            self._child.drop()


def arguments(status: int | None, name: bytes, group: int) -> list[bytes]:
    """For ./run's wait status."""
    code, number = SIGNALLED, 0
    if status is not None:
        ended = os.waitstatus_to_exitcode(status)
        code, number = (ended, 0) if ended >= 0 else (SIGNALLED, -ended)
    return [b"%d" % code, b"%d" % number, name, b"%d" % group]
