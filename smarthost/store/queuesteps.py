"""What happens to a queued message on disk, step by step (INTERNALS, sections 4 and 5).

    +todo                                   queued: qmail-queue's commit point has passed
    +todo ?info ?local ?remote              being preprocessed; begun anew if that ends half way
    +info ?local ?remote ?bounce            preprocessed: the removal of todo was the commit point
    a recipient's T becomes D               done: delivered, or its failure is in the bounce file
    -local -remote                          nobody is left
    -bounce                                 who is to know has been told: the bounce is queued
    -info -mess                             gone

Each step ends before the next begins, and what a step promises is synced before anything counts on it.
Names need no sync of their own: ext4 and xfs have one journal, so that a name which goes, goes after
those that came before it. Twice it may happen that the same is done again, never that it is not done:
between a delivery and its D (the recipient gets the message twice), and between a bounce's acceptance
and the removal of the bounce file (the sender is told twice).

The original does not sync bounce files. Here that comes before the D: a failure that nobody is told of
is a lost message. Paths are seen from the queue's directory, which is the working directory.
"""

from __future__ import annotations

import os

from smarthost.formats import bounce, queuefiles
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Final

    from smarthost.formats.queuefiles import Places
    from smarthost.policy.rewrite import Rewriter

    Say = object

# Recipients are read and written in blocks: there may be many.
BLOCK: Final = 16384

# More than an address can have; an info file has one.
_INFO_LIMIT: Final = 65536


class Trouble(Exception):
    """A step failed; `words` say which, as in qmail-log(5)."""

    def __init__(self, words: bytes) -> None:
        super().__init__(words)
        self.words: Final = words


class Doing:
    """An OSError inside is Trouble with these words."""

    __slots__ = ("_words",)

    def __init__(self, words: bytes) -> None:
        self._words = words

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise Trouble(self._words) from error


def exists(path: bytes) -> bool:
    """Raises OSError where that cannot be told."""
    try:
        files.look(path)
    except FileNotFoundError:
        return False
    return True


def changed(path: bytes) -> int | None:
    """The Unix time when the file was last written; None if there is none. Raises OSError."""
    try:
        return int(files.look(path).st_mtime)
    except FileNotFoundError:
        return None


def remove(path: bytes) -> None:
    """Raises OSError, but not for a file that is not there."""
    try:
        files.unlink(path)
    except FileNotFoundError:
        pass


def sender_and_birth(places: Places, number: int) -> tuple[bytes, int] | None:
    """What the info file says, and when it was written; None if that cannot be told."""
    try:
        descriptor = files.open_read(places.info(number))
    except OSError:
        return None
    try:
        birth = int(os.fstat(descriptor).st_mtime)
        content = b""
        while queuefiles.END not in content and len(content) < _INFO_LIMIT:
            block = os.read(descriptor, BLOCK)
            if not block:
                return None
            content += block
    except OSError:
        return None
    finally:
        os.close(descriptor)
    record, end, _ = content.partition(queuefiles.END)
    return (record[1:], birth) if end and record[:1] == b"F" else None


class Recipients:
    """Reads the recipients of a local or remote file, from its beginning."""

    __slots__ = ("_descriptor", "_next", "_position", "_records", "_waiting")

    def __init__(self, path: bytes) -> None:
        """Raises OSError."""
        self._descriptor = files.open_read(path)
        self._records = queuefiles.Records()
        self._waiting: list[bytes] = []
        self._next = 0
        self._position = 0

    def take(self) -> tuple[int, bytes] | None:
        """Where the next record lies, and the record; None after the last. Raises OSError."""
        while self._next == len(self._waiting):
            block = os.read(self._descriptor, BLOCK)
            if not block:
                return None
            self._waiting = self._records.feed(block)
            self._next = 0
        record = self._waiting[self._next]
        position = self._position
        self._next += 1
        self._position += len(record) + 1
        return position, record

    def close(self) -> None:
        os.close(self._descriptor)


def mark_done(path: bytes, position: int) -> None:
    """The recipient whose record lies there is done with. Raises OSError."""
    descriptor = files.open_write(path)
    try:
        files.write_at(descriptor, b"D", position)
    finally:
        os.close(descriptor)


def add_to_bounce(path: bytes, paragraph: bytes) -> None:
    """Put a failure into the bounce file, durably. What fails half way is taken back. Raises OSError."""
    descriptor = files.open_append(path)
    try:
        size = os.fstat(descriptor).st_size
        try:
            files.write_all(descriptor, paragraph)
            files.sync(descriptor)
        except OSError:
            files.cut(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def undelivered(places: Places, channel: int, number: int) -> Iterator[tuple[int, bytes]]:
    """Where the recipients lie that are not done yet, and who they are. No file: none. Raises OSError."""
    try:
        recipients = Recipients(places.recipients(channel, number))
    except FileNotFoundError:
        return
    try:
        while (found := recipients.take()) is not None:
            position, record = found
            if record[:1] == b"T":
                yield position, record[1:]
    finally:
        recipients.close()


def give_up(places: Places, rewriter: Rewriter, number: int, report: bytes) -> None:
    """Nobody who has not got the message yet will get it: all of them go into the bounce. Raises OSError.

    Interrupted, it can be done again: at worst the bounce names a recipient twice.
    """
    for channel in queuefiles.CHANNELS:
        path = places.recipients(channel, number)
        for position, recipient in undelivered(places, channel, number):
            known_as = rewriter.without_prepend(recipient)
            add_to_bounce(places.bounce(number), bounce.paragraph(known_as, report))
            mark_done(path, position)
        remove(path)


def discard(places: Places, number: int) -> None:
    """Nobody will get the message any more, and nobody is told. Raises OSError.

    What is left is a message that is done; interrupted, it can be done again.
    """
    for channel in queuefiles.CHANNELS:
        remove(places.recipients(channel, number))
    remove(places.bounce(number))
