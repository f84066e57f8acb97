"""What do qmail-send and its spawners say to each other? (spawn.c)

spawner    one byte: how many deliveries it can run at once
qmail-send a byte, the delivery's number; then the message's file, the sender and the recipient,
           each ended by a zero byte
spawner    the number, a text that begins with K (done), Z (not now) or D (never), a zero byte
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# As the original has it compiled in (its conf-spawn). qmail-send never asks for more than it is told.
CONCURRENCY: Final = 120

# An address on its way through the queue is far shorter; what is longer is not kept.
FIELD_LIMIT: Final = 65536
FILE_LIMIT: Final = 99

_FIELDS: Final = 3
_END: Final = b"\0"
_FILE: Final = b"0123456789/"

TOO_MUCH: Final = b"Zqmail-spawn out of memory. (#4.3.0)\n"
NUMBER_TOO_BIG: Final = b"ZInternal error: delnum too big. (#4.3.5)\n"
NUMBER_IN_USE: Final = b"ZInternal error: delnum in use. (#4.3.5)\n"
FILE_NOT_NUMERIC: Final = b"DInternal error: messid has nonnumerics. (#5.3.5)\n"
FILE_TOO_LONG: Final = b"DInternal error: messid too long. (#5.3.5)\n"
FILE_TOO_SHORT: Final = b"DInternal error: messid too short. (#5.3.5)\n"
NO_HOST: Final = b"DSorry, address must include host name. (#5.1.3)\n"


class Command:
    """One delivery to be made. `whole`: no field of it was too long to be kept."""

    __slots__ = ("file", "number", "recipient", "sender", "whole")

    def __init__(self, number: int, file: bytes, sender: bytes, recipient: bytes, whole: bool = True) -> None:
        self.number: Final = number
        self.file: Final = file
        self.sender: Final = sender
        self.recipient: Final = recipient
        self.whole: Final = whole

    def problem(self) -> bytes | None:
        """Why it cannot be carried out, whatever there is on the disk; None if it may be."""
        if self.file.translate(None, _FILE) or self.file.startswith(b"/"):
            return FILE_NOT_NUMERIC
        if len(self.file) > FILE_LIMIT:
            return FILE_TOO_LONG
        if not self.file:
            return FILE_TOO_SHORT
        if b"@" not in self.recipient:
            return NO_HOST
        return None


class Commands:
    """Commands out of what arrives. Nothing is refused: what is odd about one, it says itself."""

    __slots__ = ("_field", "_fields", "_number", "_whole")

    def __init__(self) -> None:
        self._number = -1
        self._fields: list[bytes] = []
        self._field = b""
        self._whole = True

    def feed(self, block: bytes) -> list[Command]:
        """The commands that end in this block."""
        found = []
        at = 0
        while at < len(block):
            if self._number < 0:
                self._number = block[at]
                at += 1
                continue
            end = block.find(_END, at)
            self._keep(block[at:end] if end >= 0 else block[at:])
            if end < 0:
                break
            at = end + 1
            self._fields.append(self._field)
            self._field = b""
            if len(self._fields) == _FIELDS:
                file, sender, recipient = self._fields
                found.append(Command(self._number, file, sender, recipient, self._whole))
                self._number = -1
                self._fields = []
                self._whole = True
        return found

    def _keep(self, piece: bytes) -> None:
        self._field += piece
        if len(self._field) > FIELD_LIMIT:
            self._field = b""
            self._whole = False


def report(number: int, text: bytes) -> bytes:
    """How the delivery went. A zero byte would end the text, so it does."""
    return b"%c%b\0" % (number, text.partition(_END)[0])
