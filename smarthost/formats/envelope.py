"""What does an envelope say? `F` sender, `T` recipient ..., each ended by a zero byte; one more ends it all.

So it is written to qmail-queue, and so, without the last zero byte, it lies in the queue.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# qmail-queue's bound: so many bytes without the zero byte are too many.
ADDRESS_LIMIT: Final = 1003

END: Final = b"\0"


class AddressTooLong(FormatError):
    """An address of ADDRESS_LIMIT bytes or more."""


def sender(address: bytes) -> bytes:
    return b"F%s\0" % address


def recipient(address: bytes) -> bytes:
    return b"T%s\0" % address


class EnvelopeChecker:
    """Feed it what arrives until `done`; what it gives back is an envelope as far as it goes."""

    __slots__ = ("_expected", "_seen", "done")

    def __init__(self) -> None:
        self.done = False
        self._expected = 0x46  # F first, then T
        self._seen = -1  # bytes of the address so far; -1 before its letter

    def feed(self, data: bytes) -> bytes:
        """Those of these bytes that belong to the records, the last zero byte not among them.

        Raises AddressTooLong, and FormatError for a record with another letter.
        """
        at = 0
        while at < len(data):
            if self._seen < 0:
                if data[at] == 0 and self._expected == 0x54:
                    self.done = True
                    return data[:at]
                if data[at] != self._expected:
                    raise FormatError("a record of the envelope has a wrong letter")
                self._expected = 0x54
                self._seen = 0
                at += 1
                continue
            limit = at + ADDRESS_LIMIT - self._seen
            zero = data.find(END, at, limit)
            if zero >= 0:
                self._seen = -1
                at = zero + 1
                continue
            if limit <= len(data):
                raise AddressTooLong("an address is too long")
            self._seen += len(data) - at
            break
        return data
