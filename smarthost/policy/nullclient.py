"""What does a null client change about the messages that enter its queue? (nullmailer-queue(8).)

It has no mailboxes, so nothing is to come back to an address of this host, or to go to one: allmailfrom is the
sender of all its mail, and adminaddr gets what is for anybody at this host.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

LOCALHOST: Final = b"localhost"
# A bounce of a bounce is known by its sender.
DOUBLE_BOUNCE: Final = b"#@[]"


class Rewriter:
    """The envelope of one message. `take` gives for each record, without its zero byte, those that replace it."""

    __slots__ = ("_administrators", "_names", "_seen", "_sender")

    def __init__(self, me: bytes, allmailfrom: bytes, adminaddr: bytes) -> None:
        """What the control files say; empty for what they do not."""
        self._names = (me.lower(), LOCALHOST)
        self._sender = allmailfrom
        self._administrators = [word.strip() for word in adminaddr.split(b",") if word.strip()]
        self._seen = False

    def take(self, record: bytes) -> list[bytes]:
        letter, address = record[:1], record[1:]
        box, at, host = address.rpartition(b"@")
        if not (box and at):
            return [record]
        if letter == b"F":
            return [b"F" + self._sender] if self._sender and address != DOUBLE_BOUNCE else [record]
        if not self._administrators or host.lower() not in self._names:
            return [record]
        if self._seen:
            return []  # they get it already
        self._seen = True
        return [b"T" + address for address in self._administrators]


class Stream:
    """The same for an envelope that comes in pieces; no piece needs to end with a record."""

    __slots__ = ("_rest", "_rewriter")

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What is written of it."""
        *records, self._rest = (self._rest + data).split(b"\0")
        return b"".join([each + b"\0" for each in self._replaced(records)])

    def _replaced(self, records: list[bytes]) -> Iterator[bytes]:
        for record in records:
            yield from self._rewriter.take(record)


def fact(content: bytes | None) -> bytes:
    """What a control file says, as nullmailer reads it: its first line without blanks. Empty: as if missing."""
    return b"" if content is None else content.partition(b"\n")[0].strip()
