"""A running process of a service: one that this engine has started, or taken over from the one before."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Child:
    """ended: is called once, with the wait status, or None for one that was not ours to wait for."""

    def __init__(self, options: Any, pid: int, ended: Callable[[int | None], None], held: int = -1) -> None:
        self.pid = pid
        self._options = options
        self._ended = ended
        self._held = held  # a descriptor of the process, if it is not ours
        if held < 0:
            options.pidhistory[pid] = self
        else:
            options.poller.watch(held, self._gone)

    def finish(self, _pid: int, status: int) -> None:
        """What supervisord calls those whose process it has waited for."""
        self._ended(status)

    def _gone(self) -> None:
        self.drop()
        self._ended(None)

    def signal(self, number: int) -> None:
        """Raises OSError; not for one that has ended and is about to be noticed."""
        try:
            if self._held < 0:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self._held, number)
        except ProcessLookupError:
            pass

    def drop(self) -> None:
        """Let it run, and hear no more of it."""
        if self._held >= 0:
            self._options.poller.unwatch(self._held)
            os.close(self._held)
            self._held = -1


def reap(options: Any, *, once: bool = False) -> None:
    """Tell of as many as have ended. supervisord forgets an id after it has told, when it may be in use again."""
    while True:
        pid, status = options.waitpid()
        if not pid:
            return
        process = options.pidhistory.pop(pid, None)
        if process is None:
            options.logger.info(f"reaped unknown pid {pid}")
        else:
            process.finish(pid, status)
        if once:
            return
