"""This process's command line, as other processes see it.

On Linux it lies in the process's own memory, /proc/self/stat says where, and /proc/self/mem writes there
without a library in C (setproctitle is one: it replaces the whole line, and here only a part may change).
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# arg_end, the 49th field of proc(5)'s stat; the second, in brackets, may hold anything, and the third follows.
_ARG_END: Final = 49 - 3


class LastArgument:
    """The last argument of the command line, to be written over with as many bytes. `close` it.

    Raises OSError where memory cannot be reached, or does not hold that argument.
    """

    __slots__ = ("_memory", "_place", "_size")

    def __init__(self, argument: bytes) -> None:
        self._size = len(argument)
        with open("/proc/self/stat", "rb", buffering=0) as stat:
            fields = stat.read().rpartition(b")")[2].split()
        self._place = int(fields[_ARG_END]) - 1 - self._size
        if self._place < 0:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.pread(self._memory, self._size + 1, self._place) != argument + b"\0":
                raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        except BaseException:
            self.close()
            raise

    def replace(self, text: bytes) -> None:
        """Show `text`, which has as many bytes as the argument has."""
        assert len(text) == self._size
        os.pwrite(self._memory, text, self._place)

    def close(self) -> None:
        os.close(self._memory)
