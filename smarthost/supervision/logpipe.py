"""The pipe from a service to its logger: a FIFO, supervise/logpipe in the service's directory.

A FIFO and not an anonymous pipe because every start opens it anew: an anonymous pipe has one
O_NONBLOCK for all generations on each side, and a service that sets it would break the next
one's writes. It also has a name, by which the engine after this one finds it.

The engine holds both ends, so that what is in the pipe survives the logger, and the logger does
not see an end of file when the service dies. What the service is given can only be written to,
and what the logger is given only be read.
"""

from __future__ import annotations

import fcntl
import os
import sys
import termios
from typing import TYPE_CHECKING, Final

from smarthost.supervision.attendance import make_supervise, open_fifo

if TYPE_CHECKING:
    from collections.abc import Callable

PATH: Final = b"supervise/logpipe"


class LogPipe:
    """opener: opens the service's directory, for the moment; raises OSError."""

    def __init__(self, opener: Callable[[], int]) -> None:
        self._opener = opener
        self._reader = -1
        self._writer = -1

    def hold(self) -> None:
        """Make the FIFO if it is missing and hold both ends. Raises OSError; may be called again."""
        if self._reader < 0:
            home = self._opener()
            try:
                make_supervise(home)
                self._reader = open_fifo(PATH, os.O_RDONLY, home)
            finally:
                os.close(home)
        if self._writer < 0:
            self._writer = self._again(os.O_WRONLY | os.O_NONBLOCK)

    def _again(self, flags: int) -> int:
        """The fifo that is held, opened anew, and no other that may lie there by now."""
        return os.open(f"/proc/self/fd/{self._reader}", flags | os.O_CLOEXEC)

    def writing_end(self) -> int:
        """A descriptor for the service's standard output. The caller closes it."""
        self.hold()
        return self._again(os.O_WRONLY)

    def reading_end(self, *, last: bool = False) -> int:
        """A descriptor for the logger's standard input. `last`: nobody holds the other end any more."""
        if not last:
            self.hold()
        # Without O_NONBLOCK this open would wait for a writer.
        descriptor = self._again(os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(descriptor, True)
        return descriptor

    def end_writing(self) -> None:
        """The service is gone for good: the logger sees the end of file once it has read everything."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def unread(self) -> int:
        """How many bytes no logger has taken yet."""
        if self._reader < 0:
            return 0
        return int.from_bytes(fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4)), sys.byteorder)

    def close(self) -> None:
        self.end_writing()
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1
