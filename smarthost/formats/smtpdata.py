"""What message do these lines of SMTP's DATA carry, and which lines carry a message?

Lines end in newlines here and in CRLF there, where a dot at the beginning of a line is doubled.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_NEWLINE: Final = b"\n"
_CRLF: Final = b"\r\n"

# A line is handed on in pieces when it is longer, so that it is not gathered again and again.
HELD_LIMIT: Final = 1000


class DataDecoder:
    """Feed it what arrives until `done`; `rest` is then what came behind the message.

    A client that ends its commands in CRLF ends its lines so, too: a lone newline is text to it, and
    a dot between two of them does not end the message, or its text could pretend to be commands.
    Only to a client whose commands end in newlines (`bare`) does each newline end a line.
    """

    __slots__ = ("_bare", "_held", "_line_begins", "done", "rest")

    def __init__(self, *, bare: bool) -> None:
        self.done = False
        self.rest = b""
        self._bare = bare
        self._held = b""
        self._line_begins = True

    def feed(self, data: bytes) -> bytes:
        """So much more of the message."""
        data = self._held + data
        message: list[bytes] = []
        at = 0
        while True:
            end = data.find(_NEWLINE, at) + 1
            if not end:
                break
            line = data[at:end]
            at = end
            ends = self._bare or line.endswith(_CRLF)
            if self._line_begins and line.startswith(b"."):
                if ends and line in (b".\n", b".\r\n"):
                    self.done = True
                    self.rest = data[at:]
                    break
                line = line[1:]
            message.append(line[:-2] + _NEWLINE if line.endswith(_CRLF) else line)
            self._line_begins = ends
        self._held = b"" if self.done else data[at:]
        if len(self._held) > HELD_LIMIT:
            text = self._held[1:-1] if self._line_begins and self._held.startswith(b".") else self._held[:-1]
            message.append(text)
            self._line_begins = False
            self._held = self._held[-1:]  # it may be half of a CRLF
        return b"".join(message)


class DataEncoder:
    """Feed it a message block by block; what it answers is to be sent.

    A CR without its LF ends a line, too: in the middle of one it is forbidden, and where servers do not
    agree about it, text could pretend to be the end of the message.
    """

    __slots__ = ("_cr", "_line_begins")

    def __init__(self) -> None:
        self._cr = False
        self._line_begins = True

    def feed(self, block: bytes) -> bytes:
        """Not for an empty block."""
        if self._cr:
            block = b"\r" + block
        self._cr = block.endswith(b"\r")
        if b"\r" in block:
            if self._cr:
                block = block[:-1]  # whether a newline follows, the next block says
            block = block.replace(_CRLF, _NEWLINE).replace(b"\r", _NEWLINE)
        stuffed = block.replace(b"\n.", b"\n..").replace(_NEWLINE, _CRLF)
        if self._line_begins and block.startswith(b"."):
            stuffed = b"." + stuffed
        if block:
            self._line_begins = block.endswith(_NEWLINE)
        return stuffed

    @property
    def whole(self) -> bool:
        """Whether the message ends where a line does."""
        return self._line_begins or self._cr

    def end(self, *, complete: bool = False) -> bytes:
        """What follows the last block, the dot included. `complete` the last line if need be."""
        return (_CRLF if self._cr or (complete and not self._line_begins) else b"") + b".\r\n"
