"""Lines out of blocks, as far as lines are wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Lines:
    """An iterator over lines, each with its newline (the last may have none). Holds a block and a line."""

    __slots__ = ("_at", "_block", "_blocks")

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._block = b""
        self._at = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        end = self._block.find(b"\n", self._at) + 1
        if end:
            line = self._block[self._at : end]
            self._at = end
            return line
        pieces = [self._block[self._at :]]
        self._block = b""
        self._at = 0
        for block in self._blocks:
            end = block.find(b"\n") + 1
            if end:
                pieces.append(block[:end])
                self._block = block
                self._at = end
                break
            pieces.append(block)
        line = b"".join(pieces)
        if not line:
            raise StopIteration
        return line

    def rest(self) -> Iterator[bytes]:
        """What comes after the lines taken, in blocks as it came."""
        if self._at < len(self._block):
            yield self._block[self._at :]
        self._block = b""
        yield from self._blocks
