"""The pipe from a service to its logger: a FIFO, supervise/logpipe in the service's directory.

A FIFO and not an anonymous pipe because every start opens it anew: an anonymous pipe has one
O_NONBLOCK for all generations on each side, and a service that sets it would break the next
one's writes. It also has a name, by which the engine after this one finds it.

The engine holds both ends, so that what is in the pipe survives the logger, and the logger does
not see an end of file when the service dies. What the service is given can only be written to,
and what the logger is given only be read.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
import termios


class LogPipe:
    def __init__(self, directory: bytes) -> None:
        self._home = directory + b"/supervise"
        self._path = self._home + b"/logpipe"
        self._reader = -1
        self._writer = -1

    def hold(self) -> None:
        """Make the FIFO if it is missing and hold both ends. Raises OSError; may be called again."""
        if self._reader < 0:
            self._make()
            self._reader = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if not stat.S_ISFIFO(os.fstat(self._reader).st_mode):
                self.close()
                raise FileExistsError(errno.EEXIST, "", self._path)
        if self._writer < 0:
            self._writer = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def _make(self) -> None:
        try:
            os.mkdir(self._home, 0o700)
        except FileExistsError:
            # A link to a writable place, where the service's own directory is not: as supervise does.
            if os.path.islink(self._home) and not os.path.exists(self._home):
                os.mkdir(os.path.realpath(self._home), 0o700)
        try:
            os.mkfifo(self._path, 0o600)
        except FileExistsError:
            pass

    def writing_end(self) -> int:
        """A descriptor for the service's standard output. The caller closes it."""
        self.hold()
        return os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)

    def reading_end(self, *, last: bool = False) -> int:
        """A descriptor for the logger's standard input. `last`: nobody holds the other end any more."""
        if not last:
            self.hold()
        # Without O_NONBLOCK this open would wait for a writer.
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
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
