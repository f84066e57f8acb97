"""What is kept of lines that nobody has time for, and what is dropped.

Bytes are held up to a limit. What comes beyond it is dropped in whole lines, and counted, until half of the
limit is free again. So there is one gap for each time of trouble, and it stands in the log where the lines would.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NEWLINE: Final = ord("\n")


class Count:
    """So many lines, and bytes."""

    __slots__ = ("bytes", "lines")

    def __init__(self, lines: int = 0, size: int = 0) -> None:
        self.lines = lines
        self.bytes = size

    def add(self, text: bytes | bytearray) -> None:
        self.lines += text.count(b"\n")
        self.bytes += len(text)

    def add_count(self, other: Count) -> None:
        self.lines += other.lines
        self.bytes += other.bytes

    def __str__(self) -> str:
        return f"{self.lines} lines, {self.bytes} bytes"


class Overflow:
    """A queue of bytes with gaps in it. `came` counts all that was put in."""

    __slots__ = ("_cut", "_dropping", "_gaps", "_held", "_limit", "came")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._gaps: list[tuple[int, Count]] = []  # behind so many of the held bytes
        self._dropping = False
        self._cut = False  # the line that is under way is being dropped
        self.came = Count()

    @property
    def is_over(self) -> bool:
        """Is there nothing left to do, and the next byte the first one of a line or goes on one that was kept?"""
        return not self._held and not self._gaps and not self._cut

    @property
    def ready(self) -> int:
        """How many bytes there are before the first gap."""
        return self._gaps[0][0] if self._gaps else len(self._held)

    @property
    def gap(self) -> Count | None:
        """What was dropped here, when all that came before has been taken."""
        return self._gaps[0][1] if self._gaps and not self._gaps[0][0] else None

    def front(self, most: int) -> bytes:
        return bytes(self._held[: min(most, self.ready)])

    def take(self, size: int) -> Count:
        """Remove so many bytes from the front."""
        gone = Count()
        gone.add(self._held[:size])
        del self._held[:size]
        self._gaps = [(at - size, count) for at, count in self._gaps]
        return gone

    def forget_gap(self) -> Count:
        """The gap at the front has been told of."""
        return self._gaps.pop(0)[1]

    def hold(self, text: bytes) -> None:
        """Keep this in any case: it has been looked at."""
        self.came.add(text)
        self._held += text

    def put(self, text: bytes, seen: int = 0) -> None:
        """Keep or drop what came. The first `seen` of the held bytes have been looked at and cannot be dropped."""
        self.came.add(text)
        if self._cut:
            end = text.find(b"\n") + 1
            self._drop(text[:end] if end else text)
            if not end:
                return
            text = text[end:]
            self._cut = False
        if self._dropping and len(self._held) > self._limit // 2:
            self._drop_lines(text)
            return
        self._dropping = False
        if len(self._held) + len(text) <= self._limit:
            self._held += text
            return
        fits = max(0, self._limit - len(self._held))
        end = text.rfind(b"\n", 0, fits) + 1
        self._held += text[:end]
        if not end:
            text = self._finish_begun(text, seen)
        self._drop_lines(text[end:])

    def _finish_begun(self, text: bytes, seen: int) -> bytes:
        """The last line that is held goes on, and there is no room for the rest of it. What is left of `text`."""
        before = self._gaps[-1][0] if self._gaps else 0
        start = self._held.rfind(b"\n", before) + 1 or before
        if start == len(self._held):
            return text
        if start >= seen:
            begun = self._held[start:]
            del self._held[start:]
            self._drop(begun)
            return text
        end = text.find(b"\n") + 1
        if end:  # rather a little more than a line that is cut
            self._held += text[:end]
        else:
            self._held.append(NEWLINE)
            self.came.add(b"\n")
        return text[end:]

    def _drop_lines(self, text: bytes) -> None:
        if text:
            self._drop(text)
            self._dropping = True
            self._cut = text[-1] != NEWLINE

    def _drop(self, text: bytes | bytearray) -> None:
        if not self._gaps or self._gaps[-1][0] != len(self._held):
            self._gaps.append((len(self._held), Count()))
        self._gaps[-1][1].add(text)
