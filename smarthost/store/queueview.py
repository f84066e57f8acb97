"""What is in a queue, read while others work on it: any file may be gone between two looks.

Where a message is in qmail's INTERNALS: with a file in todo/ it waits to be looked at, and what info/, local/
and remote/ say of it is not to be believed yet; with one in info/ and none in todo/ it was looked at; with
neither it is being queued, or removed, and is not shown.

Nothing is kept but numbers: a listing of any length needs the memory of the names in one directory, and of
those in todo/, bounce/, hold/ and why/, which are read once. So a message that comes in meanwhile may be
missing from it; no message is in it twice.

Every function but `show` raises OSError, for what cannot be read. What is gone is no error.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.formats import queuelisting
from smarthost.formats.queuelisting import LOCAL, REMOTE, Message, Recipient
from smarthost.store import spool
from smarthost.store.queueorders import Orders
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

CHANNELS: Final = (LOCAL, REMOTE)

# Of a message's errors so much is read. qmail-send writes less.
WHY_LIMIT: Final = 1 << 20

# qmail-queue takes no longer address; who else writes the queue has no reason to.
RECORD_LIMIT: Final = 1 << 16

# As addresses are written in why/.
_ONE_LINE: Final = bytes(byte if byte not in b"\n\t\r" else 0x20 for byte in range(256))

GATHERED: Final = 1 << 16

# Most files are short, and a buffer has to be made for each: of 64 KB that costs more than all the rest.
BLOCK: Final = 4096


class View:
    """One queue."""

    __slots__ = ("_orders", "_queue", "_split")

    def __init__(self, queue: bytes) -> None:
        self._queue = queue
        self._split = spool.split_of(queue) or 1
        self._orders = Orders(queue)

    def path(self, directory: bytes, number: int) -> bytes:
        """Where a message has its file of that kind."""
        if directory in {b"mess", b"info", LOCAL, REMOTE}:
            return b"%s/%s/%d/%d" % (self._queue, directory, number % self._split, number)
        return b"%s/%s/%d" % (self._queue, directory, number)

    def messages(self) -> Iterator[Message]:
        """Every message: first the new ones, then the others in the order of the directories."""
        new = self._numbers(b"todo")
        bouncing, held = self._numbers(b"bounce"), self._orders.held()
        for number in new:
            message = self._look(number, is_new=True, is_bouncing=False, is_held=number in held)
            if message is not None:
                yield message
        for number in self.looked_at():
            if number not in new:
                message = self._look(
                    number, is_new=False, is_bouncing=number in bouncing, is_held=number in held
                )
                if message is not None:
                    yield message

    def looked_at(self) -> Iterator[int]:
        """The numbers in info/, as they come."""
        for part in range(self._split):
            with os.scandir(b"%s/info/%d" % (self._queue, part)) as entries:
                for entry in entries:
                    if entry.name.isdigit():
                        yield int(entry.name)

    def look(self, number: int) -> Message | None:
        """The message of that number; None if there is none that is queued."""
        bouncing = os.path.exists(self.path(b"bounce", number))
        held = self._orders.is_held(number)
        found = self._look(number, is_new=True, is_bouncing=False, is_held=held)
        return found or self._look(number, is_new=False, is_bouncing=bouncing, is_held=held)

    def recipients(self, message: Message) -> Iterator[Recipient]:
        """Its recipients as they come, with the last error of each that has one."""
        if message.is_new:
            for record in _records(self.path(b"todo", message.number)):
                if record[:1] == b"T":
                    yield Recipient(b"", record[1:])
            return
        errors = self._errors(message.number)
        for channel in CHANNELS:
            for record in _records(self.path(channel, message.number)):
                if record[:1] in (b"T", b"D"):
                    done = record[:1] == b"D"
                    error = b"" if done else errors.get((channel, record[1:].translate(_ONE_LINE)), b"")
                    yield Recipient(channel, record[1:], error, is_done=done)

    def _look(self, number: int, *, is_new: bool, is_bouncing: bool, is_held: bool) -> Message | None:
        try:
            size = files.look(self.path(b"mess", number)).st_size
            descriptor = files.open_read(self.path(b"todo" if is_new else b"info", number))
        except FileNotFoundError:
            return None
        try:
            arrived = int(os.fstat(descriptor).st_mtime)
            sender = _sender(os.read(descriptor, BLOCK))
        finally:
            os.close(descriptor)
        return Message(number, size, arrived, sender, is_new=is_new, is_bouncing=is_bouncing, is_held=is_held)

    def _numbers(self, directory: bytes) -> set[int]:
        return {int(name) for name in files.names(self._queue + b"/" + directory) if name.isdigit()}

    def _errors(self, number: int) -> dict[tuple[bytes, bytes], bytes]:
        try:
            descriptor = files.open_read(self.path(b"why", number))
        except FileNotFoundError:
            return {}
        try:
            text = b""
            for block in files.blocks(descriptor, BLOCK):
                text += block
                if len(text) >= WHY_LIMIT:
                    break
        finally:
            os.close(descriptor)
        errors = {}
        for line in text.splitlines():
            who, tab, error = line.partition(b"\t")
            channel, blank, address = who.partition(b" ")
            if tab and blank:
                errors[channel, address] = error
        return errors


def _sender(start: bytes) -> bytes:
    """The sender in info/N, or in todo/N behind the user and process that queued it."""
    for record in start.split(b"\0"):
        if record[:1] == b"F":
            return record[1:]
    return b""


def _records(path: bytes) -> Iterator[bytes]:
    """Records that end in a zero byte. What is behind the last is not one, nor what is longer than any can be."""
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        return
    try:
        rest = b""
        for block in files.blocks(descriptor, BLOCK):
            *records, rest = (rest + block).split(b"\0")
            yield from records
            if len(rest) > RECORD_LIMIT:
                return
    finally:
        os.close(descriptor)


def listing(queue: bytes, now: int) -> Iterator[bytes]:
    """What mailq prints, in blocks. A home without a queue has nothing in it."""
    count = new = held = 0
    gathered = bytearray()
    try:
        files.look(queue)
    except FileNotFoundError:
        yield queuelisting.summary(0, 0, 0)
        return
    view = View(queue)
    for message in view.messages():
        count += 1
        new += message.is_new
        held += message.is_held
        for line in queuelisting.lines(message, view.recipients(message), now):
            gathered += line
            if len(gathered) >= GATHERED:
                yield bytes(gathered)
                gathered.clear()
    gathered += queuelisting.summary(count, new, held)
    yield bytes(gathered)


def show(queue: bytes, now: int, descriptor: int) -> None:
    """Write that listing there. Raises Temporary."""
    blocks = listing(queue, now)
    while True:
        try:
            block = next(blocks, b"")
        except OSError as error:
            where = os.fsdecode(error.filename or queue)
            raise Temporary(f"unable to read {where}: {errtext.reason(error)}") from error
        if not block:
            return
        files.write_all(descriptor, block)
