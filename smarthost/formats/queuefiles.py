"""What are a message's files in the queue called, and what do they say? (INTERNALS.)

info, local and remote files, like todo's, are records: a letter, a value, a zero byte. `F` is the sender,
`T` a recipient that is not done yet, `D` one that is; `u` and `p` who queued it, and as which process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SENDER: Final = 0x46  # F
RECIPIENT: Final = 0x54  # T
DONE: Final = 0x44  # D
USER: Final = 0x75  # u
PROCESS: Final = 0x70  # p

END: Final = b"\0"

LOCAL: Final = 0
REMOTE: Final = 1
CHANNELS: Final = (LOCAL, REMOTE)
CHANNEL_NAMES: Final = (b"local", b"remote")

# Inodes are no larger.
_LARGEST: Final = 2**64 - 1
_DIGITS_LIMIT: Final = 20


class Places:
    """The paths of a message's files, as qmail-send says them: seen from the queue's directory.

    split  among how many directories mess, info, local and remote are spread
    """

    __slots__ = ("split",)

    def __init__(self, split: int) -> None:
        self.split: Final = split

    def mess(self, number: int) -> bytes:
        return b"mess/%d/%d" % (number % self.split, number)

    def info(self, number: int) -> bytes:
        return b"info/%d/%d" % (number % self.split, number)

    def recipients(self, channel: int, number: int) -> bytes:
        return b"%s/%d/%d" % (CHANNEL_NAMES[channel], number % self.split, number)

    def todo(self, number: int) -> bytes:
        return b"todo/%d" % number

    def intd(self, number: int) -> bytes:
        return b"intd/%d" % number

    def bounce(self, number: int) -> bytes:
        return b"bounce/%d" % number

    def foop(self, number: int) -> bytes:
        """No file: what qmail-clean is told when all of a message is to go."""
        return b"foop/%d" % number

    def in_mess(self, number: int) -> bytes:
        """The message's file as qmail-lspawn and qmail-rspawn are told it: seen from mess/."""
        return b"%d/%d" % (number % self.split, number)


def number(name: bytes) -> int | None:
    """The message's number that a file's name is; None if it is none."""
    if not name.isdigit() or len(name) > _DIGITS_LIMIT or int(name) > _LARGEST:
        return None
    return int(name)


def leading_number(text: bytes) -> int:
    """The digits that it begins with, as the originals scan them."""
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))][:_DIGITS_LIMIT]
    return int(digits) if digits else 0


class Records:
    """Feed it what is read from a file; out come the whole records, without their zero bytes."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *records, self._rest = (self._rest + data).split(END)
        return records
