"""What a QMQP server answers: one netstring of a letter (K accepted, Z try later, D do not) and text.

The letter decides as soon as it is there. A server says K only after the message is safe, so text
that is cut off does not take it back.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ACCEPTED: Final = b"K"
DEFERRED: Final = b"Z"
REJECTED: Final = b"D"

# A server that never sends the colon must not fill our memory with digits.
DIGITS_LIMIT: Final = 10

# Nobody reads a longer reason, and what comes after it need not be waited for.
TEXT_LIMIT: Final = 1000

_LETTERS: Final = (ACCEPTED, DEFERRED, REJECTED)


class ReplyReader:
    """Feed it what arrives. `letter` is empty until it is known; `text` is what has come of the text.

    `done`: nothing more is wanted.
    """

    __slots__ = ("_length", "_seen", "done", "letter", "text")

    def __init__(self) -> None:
        self._seen = b""
        self._length = -1
        self.letter = b""
        self.text = b""
        self.done = False

    def feed(self, data: bytes) -> None:
        """Raises FormatError for what cannot become a reply; never once the letter is known."""
        self._seen += data[: DIGITS_LIMIT + 1 + TEXT_LIMIT]
        if self._length < 0 and not self._take_length():
            return
        payload = self._seen[: min(self._length, TEXT_LIMIT)]
        if not self.letter and payload:
            if payload[:1] not in _LETTERS:
                raise FormatError("neither K nor Z nor D")
            self.letter = payload[:1]
        self.text = payload[1:]
        self.done = len(payload) == min(self._length, TEXT_LIMIT)

    def _take_length(self) -> bool:
        digits, colon, rest = self._seen.partition(b":")
        if digits and not digits.isdigit():
            raise FormatError("not a netstring")
        if len(digits) > DIGITS_LIMIT:
            raise FormatError("length has too many digits")
        if not colon:
            return False
        if not digits or int(digits) == 0:
            raise FormatError("empty reply")
        self._length = int(digits)
        self._seen = rest
        return True


def shown(letter: bytes, text: bytes, most: int) -> bytes:
    """The reply as one line of printable ASCII, at most `most` bytes."""
    return printable(letter + text)[:most].rstrip()


def printable(text: bytes) -> bytes:
    """A server must not forge log lines, nor end an SMTP reply that its words become part of."""
    return bytes(byte if 32 <= byte < 127 else 0x3F for byte in text)
