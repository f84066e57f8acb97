"""What do qmail-lspawn and qmail-rspawn report? A delivery's slot, a letter, text, a zero byte (spawn.c).

`K` it is delivered, `Z` try again, `D` it cannot be. And how is a delivery ordered from them?
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DELIVERED: Final = 0x4B  # K
DEFERRED: Final = 0x5A  # Z
FAILED: Final = 0x44  # D

# qmail-rspawn is not trusted to keep reports short: what is longer is cut.
REPORT_LIMIT: Final = 10000


def command(slot: int, message: bytes, sender: bytes, recipient: bytes) -> bytes:
    """What to deliver: the slot comes back in the report."""
    return b"%c%s\0%s\0%s\0" % (slot, message, sender, recipient)


class Report:
    """slot; letter (0 if there is none); text, without the zero byte."""

    __slots__ = ("letter", "slot", "text")

    def __init__(self, line: bytes) -> None:
        self.slot = line[0]
        self.letter = line[1]
        self.text = line[2:].rstrip(b"\0")


class Reports:
    """Feed it what arrives; out come the reports that are complete."""

    __slots__ = ("_line",)

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Report]:
        found = []
        line = self._line
        at = 0
        while at < len(data):
            # A line's first byte is a number, also when it is zero.
            end = data.find(b"\0", at if line else at + 1)
            line += data[at:] if end < 0 else data[at : end + 1]
            del line[REPORT_LIMIT:]
            if end < 0:
                break
            found.append(Report(bytes(line)))
            line.clear()
            at = end + 1
        return found
