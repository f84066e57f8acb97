"""Through how many hands has a message gone? Its header's Received and Delivered-To fields say.

Bytes go in as they arrive. Of a line only its first bytes are kept, so that its length costs no memory.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

FIELDS: Final = (b"received:", b"delivered-to:")
_LONGEST: Final = max(map(len, FIELDS))
_BLANK: Final = (b"", b"\r")


class Counter:
    """Feed it the message from its first byte; `hops` is what the header has said so far."""

    __slots__ = ("_begun", "_over", "hops")

    def __init__(self) -> None:
        self.hops = 0
        self._begun = b""  # of the line that has not ended
        self._over = False

    def feed(self, data: bytes | memoryview) -> None:
        if self._over:
            return
        *lines, begun = (self._begun + data).split(b"\n")
        for line in lines:
            if line in _BLANK:
                self._over = True
                return
            self.hops += line[:_LONGEST].lower().startswith(FIELDS)
        self._begun = begun[:_LONGEST]
