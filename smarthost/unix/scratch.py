"""Bytes put aside for a while: in memory while they are few, then in a file that has no name.

The file is gone when this process is, however it ends.
"""

from __future__ import annotations

import errno
import os

from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

# Most mail is smaller than this, and a client host sends few at a time.
MEMORY_LIMIT: Final = 1024 * 1024

# /tmp is often memory itself, which the file is there to save.
_DIRECTORIES: Final = (b"/var/tmp", b"/tmp")

_NO_NAMELESS_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL}


class Scratch:
    """Append, then read back as often as wanted. `close` it, or leave it to the end of the process."""

    def __init__(self, environ: Mapping[bytes, bytes], limit: int = MEMORY_LIMIT) -> None:
        self.size = 0
        self._limit = limit
        self._blocks: list[bytes] = []
        self._descriptor = -1
        named = environ.get(b"TMPDIR")
        self._directories = (named,) if named else _DIRECTORIES

    def append(self, data: bytes) -> None:
        """Raises OSError when the disk takes no more."""
        self.size += len(data)
        if self._descriptor < 0:
            self._blocks.append(data)
            if self.size <= self._limit:
                return
            self._descriptor = _nameless(self._directories)
            data = b"".join(self._blocks)
            self._blocks = []
        files.write_all(self._descriptor, data)

    def blocks(self) -> Iterator[bytes]:
        """Everything, from the start. Raises OSError, also if the file has become shorter."""
        if self._descriptor < 0:
            yield b"".join(self._blocks)
            return
        position = 0
        while position < self.size:
            block = os.pread(self._descriptor, files.BLOCK, position)
            if not block:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            position += len(block)
            yield block

    def as_input(self) -> int:
        """A descriptor from which another process may read everything; it closes with this. Raises OSError."""
        if self._descriptor < 0:
            self._descriptor = _nameless(self._directories)
            files.write_all(self._descriptor, b"".join(self._blocks))
            self._blocks = []
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return self._descriptor

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._blocks = []


def _nameless(directories: tuple[bytes, ...]) -> int:
    """A descriptor of a new file without a name, in the first directory that allows one."""
    failure = OSError(errno.ENOENT, "")
    for directory in directories:
        try:
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            failure = error
        if failure.errno not in _NO_NAMELESS_FILES:
            continue
        # A file system without nameless files: a name that nobody can guess, and only for a moment.
        path = directory + b"/smarthost." + os.urandom(16).hex().encode()
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            failure = error
            continue
        files.unlink_if_possible(path)
        return descriptor
    raise failure
