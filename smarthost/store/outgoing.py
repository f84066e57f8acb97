"""A message on its way out: read in blocks, as often as there are servers, and never held whole."""

from __future__ import annotations

import errno
import os

from smarthost.unix import files
from smarthost.unix.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Unreadable(Exception):
    """The message itself cannot be read."""


class Message:
    """What can be read from a descriptor, from where it stands."""

    __slots__ = ("_descriptor", "_scratch", "_start")

    def __init__(self, descriptor: int) -> None:
        """Raises Unreadable. What comes by a pipe is put aside."""
        self._descriptor = descriptor
        self._scratch: Scratch | None = None
        try:
            self._start = os.lseek(descriptor, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno != errno.ESPIPE:
                raise Unreadable from error
            self._scratch = Scratch(os.environb)
            try:
                for block in files.blocks(descriptor):
                    self._scratch.append(block)
            except OSError as failure:
                raise Unreadable from failure

    def blocks(self) -> Iterator[bytes]:
        """All of it. Raises Unreadable."""
        try:
            if self._scratch is not None:
                yield from self._scratch.blocks()
                return
            position = self._start
            while block := os.pread(self._descriptor, files.BLOCK, position):
                position += len(block)
                yield block
        except OSError as error:
            raise Unreadable from error

    def survey(self) -> tuple[int, bool]:
        """Its size with each line end counted as two bytes; whether it has bytes above 127. Raises Unreadable."""
        size, has_high_bytes = 0, False
        for block in self.blocks():
            size += len(block) + block.count(b"\n")
            has_high_bytes = has_high_bytes or not block.isascii()
        return size, has_high_bytes

    def size(self) -> int:
        """How many bytes there are. Raises Unreadable."""
        return sum(len(block) for block in self.blocks())

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.close()
