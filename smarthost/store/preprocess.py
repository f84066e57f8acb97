"""A queued message becomes one to deliver: its recipients go to local and remote files (INTERNALS, section 4).

    remove local, remote and info, which an earlier try may have left
    create and write info, local, remote; then sync each
    remove intd, then todo: that is qmail-clean's, and todo's removal is the commit point

Until then nothing is believed of what was written, and the next try begins anew. Several messages may be written
before they are synced, so that they are synced together: on a disk that takes 5 ms for each sync a message of two
files would cost 10, and 20 messages at once cost 20 (unix/syncing.py).
"""

from __future__ import annotations

import os

from smarthost.formats import queuefiles, sendlog
from smarthost.store.queuesteps import BLOCK, Doing, Trouble, remove
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smarthost.formats.queuefiles import Places

    Say = Callable[[bytes], None]
    # Syncs all descriptors: for each, what went wrong.
    SyncAll = Callable[[list[int]], list[OSError | None]]
    # The channel and the address of a recipient.
    Place = Callable[[bytes], tuple[int, bytes]]


class _Output:
    """A file that is written in blocks."""

    __slots__ = ("_waiting", "descriptor", "path")

    def __init__(self, path: bytes) -> None:
        with Doing(b"unable to create " + path):
            self.descriptor = files.create_exclusive(path)
        self.path = path
        self._waiting = bytearray()

    def put(self, record: bytes) -> None:
        self._waiting += record
        self._waiting += queuefiles.END
        if len(self._waiting) >= BLOCK:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            with Doing(b"trouble writing to " + self.path):
                files.write_all(self.descriptor, self._waiting)
            self._waiting.clear()


class Prepared:
    """A message whose files are written, and not synced yet. Raises Trouble when they cannot be written.

    number; channels  those that it has recipients on
    """

    __slots__ = ("_opened", "_outputs", "channels", "number")

    def __init__(self, places: Places, number: int, place: Place, say: Say) -> None:
        self.number = number
        self.channels: list[int] = []
        self._opened: list[int] = []
        self._outputs: list[_Output] = []
        try:
            self._write(places, place, say)
        except BaseException:
            self.close()
            raise

    def _write(self, places: Places, place: Place, say: Say) -> None:
        number = self.number
        todo, mess, info = places.todo(number), places.mess(number), places.info(number)
        with Doing(b"unable to open " + todo):
            source = files.open_read(todo)
        self._opened.append(source)
        with Doing(b"unable to stat " + mess):
            size = files.look(mess).st_size
        for path in (*(places.recipients(channel, number) for channel in queuefiles.CHANNELS), info):
            with Doing(b"unable to unlink " + path):
                remove(path)
        head = self._output(info)
        say(sendlog.new(number))
        lists: list[_Output | None] = [None for _ in queuefiles.CHANNELS]
        uid = pid = 0
        records = queuefiles.Records()
        while True:
            with Doing(b"trouble reading " + todo):
                block = os.read(source, BLOCK)
            if not block:
                break
            for record in records.feed(block):
                letter = record[0] if record else 0
                if letter == queuefiles.RECIPIENT:
                    channel, address = place(record[1:])
                    output = lists[channel]
                    if output is None:
                        output = lists[channel] = self._output(places.recipients(channel, number))
                    output.put(b"T" + address)
                elif letter == queuefiles.SENDER:
                    head.put(record)
                    head.flush()
                    say(sendlog.info(number, size, record[1:], pid, uid))
                elif letter == queuefiles.USER:
                    uid = queuefiles.leading_number(record[1:])
                elif letter == queuefiles.PROCESS:
                    pid = queuefiles.leading_number(record[1:])
                else:
                    raise Trouble(b"unknown record type in " + todo)
        for output in self._outputs:
            output.flush()
        self.channels = [channel for channel in queuefiles.CHANNELS if lists[channel] is not None]

    def _output(self, path: bytes) -> _Output:
        output = _Output(path)
        self._opened.append(output.descriptor)
        self._outputs.append(output)
        return output

    def unsynced(self) -> list[tuple[int, bytes]]:
        """Descriptor and path of each file."""
        return [(output.descriptor, output.path) for output in self._outputs]

    def close(self) -> None:
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened = []


def sync(batch: Sequence[Prepared], sync_all: SyncAll) -> list[Trouble | None]:
    """Sync several messages' files and close them. For each message what went wrong; None: it is safe."""
    paths = [each.unsynced() for each in batch]
    try:
        results = iter(sync_all([descriptor for files_ in paths for descriptor, _ in files_]))
    finally:
        for each in batch:
            each.close()
    found: list[Trouble | None] = []
    for files_ in paths:
        failed = [path for _, path in files_ if next(results) is not None]
        found.append(Trouble(b"trouble fsyncing " + failed[0]) if failed else None)
    return found
