"""The mail queue on disk, as qmail has it (INTERNALS), so that its programs and ours work on one queue.

    pid/PID.TIME.SEQ   where a message's file is born, to learn its inode number, N
    mess/N%SPLIT/N     the message
    intd/N             the envelope while it is written: u UID, p PID, F sender, T recipient ..., zero bytes
    todo/N             the same file under the name that says: queued
    lock/trigger       a fifo; one byte wakes qmail-send

Order: pid, link to mess, unlink pid, write and sync the message, write and sync intd, link to todo.

The commit point is that link: from then on qmail-send may act on it. qmail counts on a file system
that makes names durable at once. Linux's do not, so the link is synced before anyone is told that the
message is safe. One sync of todo/ is enough: ext4 and xfs have one journal, which is written in
order, and what was renamed or linked before is then on disk as well. If it fails the message stays:
it may already be on its way, and at worst it goes out twice.
"""

from __future__ import annotations

import os

from smarthost.formats import envelope
from smarthost.policy import replies
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# conf-split of a queue that is made here. A queue of another kind is used as it is.
SPLIT: Final = 23

# As the original: so many names are tried in pid/.
PID_NAMES: Final = 9

TCPTO_SIZE: Final = 1024
QUEUE: Final = b"/queue"


class Failed(Exception):
    """A step failed; `status` is what qmail-queue exits with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status: Final = status


def split_of(queue: bytes) -> int:
    """Among how many directories this queue's messages are spread: 0 to one less. Raises OSError.

    For nearly every queue two looks tell; a list takes ten times as long.
    """
    mess = queue + b"/mess"
    if os.access(b"%b/%d" % (mess, SPLIT - 1), os.F_OK) and not os.access(b"%b/%d" % (mess, SPLIT), os.F_OK):
        return SPLIT
    return sum([name.isdigit() for name in os.listdir(mess)])


class Draft:
    """A message that is not queued yet. Each step raises Failed; the caller then says `take_back`.

    >>> draft.open(pid, seconds); draft.begin_envelope(uid, pid) ...; draft.commit()
    """

    __slots__ = ("_descriptor", "_intd", "_mess", "_pid", "_queue", "number")

    def __init__(self, queue: bytes) -> None:
        self._queue = queue
        self._descriptor = -1
        self._pid = self._mess = self._intd = b""
        self.number = 0

    def open(self, pid: int, seconds: int) -> None:
        """Give the message its number and its file."""
        for sequence in range(1, PID_NAMES + 1):
            path = b"%s/pid/%d.%d.%d" % (self._queue, pid, seconds, sequence)
            try:
                self._descriptor = files.create_exclusive(path)
            except OSError:
                continue
            self._pid = path
            break
        else:
            raise Failed(replies.NO_PID_FILE)
        try:
            self.number = os.fstat(self._descriptor).st_ino
            split = split_of(self._queue)
            mess = b"%s/mess/%d/%d" % (self._queue, self.number % split, self.number)
            files.link(self._pid, mess)
        except (OSError, ZeroDivisionError):
            raise Failed(replies.NO_MESS_FILE) from None
        self._mess = mess
        try:
            files.unlink(self._pid)
        except OSError:
            raise Failed(replies.NO_PID_FILE) from None
        self._pid = b""

    def write(self, data: bytes) -> None:
        """More of the message, or of the envelope once that has begun."""
        try:
            files.write_all(self._descriptor, data)
        except OSError:
            raise Failed(replies.WRITE_ERROR) from None

    def begin_envelope(self, uid: int, pid: int) -> bytes:
        """Sync the message and open the envelope's file. What its first bytes are."""
        self._sync()
        self._close()
        path = b"%s/intd/%d" % (self._queue, self.number)
        try:
            self._descriptor = files.create_exclusive(path)
        except OSError:
            raise Failed(replies.NO_INTD_FILE) from None
        self._intd = path
        return b"u%d\0p%d\0" % (uid, pid)

    def commit(self) -> None:
        """Sync the envelope, link it into todo, which is the commit point, and sync that."""
        self._sync()
        todo = self._queue + b"/todo"
        # From here on nothing is taken back, also if a signal ends us before we know how the link went.
        intd, mess, self._intd, self._mess = self._intd, self._mess, b"", b""
        try:
            files.link(intd, b"%s/%d" % (todo, self.number))
        except OSError:
            self._intd, self._mess = intd, mess
            raise Failed(replies.NO_TODO_FILE) from None
        try:
            files.sync_directory(todo)
        except OSError:
            raise Failed(replies.NO_TODO_FILE) from None

    def take_back(self) -> None:
        """Remove what there is, the envelope first: a message alone is a state that others know."""
        for path in (self._intd, self._mess, self._pid):
            if path:
                files.unlink_if_possible(path)

    def close(self) -> None:
        self._close()

    def _sync(self) -> None:
        try:
            files.sync(self._descriptor)
        except OSError:
            raise Failed(replies.WRITE_ERROR) from None

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def pull_trigger(queue: bytes) -> None:
    """Wake qmail-send. If it does not run, or was woken already, nothing is lost: it also looks by itself."""
    try:
        descriptor = files.open_write(queue + b"/lock/trigger")
    except OSError:
        return
    try:
        os.write(descriptor, envelope.END)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def make_queue(home: bytes) -> None:
    """Make HOME/queue for the user that we are, with the modes of qmail's own; what is there stays as it is.

    Raises OSError.
    """
    queue = home + QUEUE
    tcpto = queue + b"/lock/tcpto"
    finished = os.path.exists(tcpto)  # it is made last
    _make_directory(queue, 0o750)
    for name, mode in (
        (b"pid", 0o700),
        (b"intd", 0o700),
        (b"todo", 0o750),
        (b"bounce", 0o700),
        (b"lock", 0o750),
        # Ours, not qmail's: what queueorders and queueview are about.
        (b"orders", 0o700),
        (b"hold", 0o700),
        (b"why", 0o700),
    ):
        _make_directory(queue + b"/" + name, mode)
    for name, mode in ((b"mess", 0o750), (b"info", 0o700), (b"local", 0o700), (b"remote", 0o700)):
        directory = queue + b"/" + name
        _make_directory(directory, mode)
        for part in range(0 if finished else SPLIT):
            _make_directory(b"%s/%d" % (directory, part), mode)
    _make_file(queue + b"/lock/sendmutex", 0o600, 0)
    trigger = queue + b"/lock/trigger"
    try:
        os.mkfifo(trigger)
        files.change_mode(trigger, 0o622)
    except FileExistsError:
        pass
    _make_file(tcpto, 0o644, TCPTO_SIZE)


def _make_directory(path: bytes, mode: int) -> None:
    try:
        os.mkdir(path)
        files.change_mode(path, mode)
    except FileExistsError:
        pass


def _make_file(path: bytes, mode: int, size: int) -> None:
    try:
        descriptor = files.create_exclusive(path)
    except FileExistsError:
        return
    try:
        files.change_mode(descriptor, mode)
        files.write_all(descriptor, bytes(size))
    finally:
        os.close(descriptor)
