"""How a service says that it is ready: a line on the descriptor that notification-fd names.

The descriptor is a fifo that the service can also read. Else a service that becomes ready while
there is no engine would be ended by SIGPIPE; so the line waits for the next engine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from smarthost.supervision.attendance import NOTIFY, open_fifo

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 4096


class Notification:
    """said: is called when the service says that it is ready."""

    def __init__(self, poller: Any, said: Callable[[], None]) -> None:
        self._poller = poller
        self._said = said
        self._reader = -1

    def prepare(self, home: int) -> int:
        """A descriptor for the service's next start; the caller closes it. Raises OSError.

        A new fifo each time, so that nothing of a former process counts for the next.
        """
        self.stop()
        try:
            os.unlink(NOTIFY, dir_fd=home)
        except FileNotFoundError:
            pass
        self.resume(home)
        return os.open(f"/proc/self/fd/{self._reader}", os.O_RDWR | os.O_CLOEXEC)

    def resume(self, home: int) -> None:
        """Listen to what a service says that was started before. Raises OSError."""
        self._reader = open_fifo(NOTIFY, os.O_RDONLY, home)
        self._poller.watch(self._reader, self._heard)

    def _heard(self) -> None:
        try:
            words = os.read(self._reader, _BLOCK)
        except BlockingIOError:
            return
        if b"\n" in words:
            self.stop()
            self._said()
        elif not words:
            self.stop()  # it has closed the descriptor, and will not say

    def stop(self) -> None:
        if self._reader >= 0:
            self._poller.unwatch(self._reader)
            os.close(self._reader)
            self._reader = -1
