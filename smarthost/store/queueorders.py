"""What a queue's administrator wants of qmail-send, and of which messages: orders and holds, each a file.

    orders/N.VERB  retry, bounce or delete message N. qmail-send removes it when that is done
    orders/N.look  nothing to do: that it is gone is the sign that a qmail-send reads orders (qmail's own does not)
    hold/N         begin no delivery of message N while this file is there

An order's file says which message it means by the time that the message's own file was written, in
nanoseconds: numbers are used again at once, and an order that outlived its message, because qmail-send was
killed between carrying it out and saying so, must not strike the next message of that number. An empty file
means whichever message has the number. The same holds for holds.

Giving an order: make the file under another name, write and sync it, rename it, which is the commit point, and
sync the directory. What fails before the directory's sync is taken back. Removing an order that was carried out
is not synced: at worst it is found again, and then it means a message that is gone.

Every function raises OSError. A missing directory is made by who gives the first order, for the owner of
queue/info, who is qmail-send; until then there are no orders.
"""

from __future__ import annotations

import errno
import os

from smarthost.store import spool
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

RETRY: Final = b"retry"
BOUNCE: Final = b"bounce"
DELETE: Final = b"delete"
VERBS: Final = (RETRY, BOUNCE, DELETE)
LOOK: Final = b"look"

ORDERS: Final = b"/orders"
HOLDS: Final = b"/hold"

# More digits than a time in nanoseconds has.
WRITTEN_LIMIT: Final = 32

FILE_TYPE: Final = 0o170000
DIRECTORY: Final = 0o040000


class Order:
    """One order. `written` says which message it means; -1 is whichever has the number."""

    __slots__ = ("number", "verb", "written")

    def __init__(self, number: int, verb: bytes, written: int = -1) -> None:
        self.number: Final = number
        self.verb: Final = verb
        self.written: Final = written

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and (self.number, self.verb) == (other.number, other.verb)

    def __hash__(self) -> int:
        return hash((self.number, self.verb))

    def __repr__(self) -> str:
        return f"Order({self.number}, {self.verb!r})"


class Orders:
    """The orders of one queue. `queue` is its path."""

    __slots__ = ("_queue", "_split")

    def __init__(self, queue: bytes) -> None:
        self._queue = queue
        self._split = 0

    def place(self, number: int, verb: bytes) -> Order:
        """Give an order; pull the trigger afterwards. FileNotFoundError if there is no such message."""
        order = Order(number, verb, self._written(number))
        self._put(ORDERS, self._path(order), order.written)
        return order

    def pending(self) -> list[Order]:
        """What is to be carried out, by number. What is not is removed: orders for messages that are gone, and signs."""
        found = []
        for name in _names(self._queue + ORDERS):
            digits, _, verb = name.partition(b".")
            if verb == LOOK and _is_number(digits):
                self.done(Order(int(digits), verb))
                continue
            if not _is_number(digits) or verb not in VERBS:
                continue
            number = int(digits)
            try:
                order = Order(number, verb, _content(self._queue + ORDERS + b"/" + name))
            except OSError:  # withdrawn by now; or not to be read, and then nobody's order
                continue
            if self._is_meant(number, order.written):
                found.append(order)
            else:
                self.done(order)
        return sorted(found, key=lambda order: (order.number, VERBS.index(order.verb)))

    def is_pending(self, order: Order) -> bool:
        """Whether the order's file is still there."""
        return os.path.lexists(self._path(order))

    def done(self, order: Order) -> None:
        """It was carried out, or nobody can. It may have been withdrawn meanwhile."""
        try:
            files.unlink(self._path(order))
        except FileNotFoundError:
            pass

    def withdraw(self, order: Order) -> bool:
        """Take an order back for good. Whether it was still there."""
        return self._remove(ORDERS, self._path(order))

    def hold(self, number: int) -> None:
        """From now on no delivery of it begins. FileNotFoundError if there is no such message."""
        self._put(HOLDS, self._hold(number), self._written(number))

    def release(self, number: int) -> bool:
        """Let it be delivered again; pull the trigger afterwards. Whether it was held."""
        return self._remove(HOLDS, self._hold(number))

    def is_held(self, number: int) -> bool:
        """Whether no delivery of it may begin."""
        path = self._hold(number)
        if not os.path.lexists(path):  # nearly always, and an exception costs more
            return False
        try:
            return self._is_meant(number, _content(path))
        except FileNotFoundError:
            return False
        except OSError:  # not to be read: whoever put it there meant something
            return True

    def held(self) -> set[int]:
        """Every number that is held: for who asks about many messages."""
        numbers = [int(name) for name in _names(self._queue + HOLDS) if _is_number(name)]
        return {number for number in numbers if self.is_held(number)}

    def forget_hold(self, number: int) -> None:
        """The message is about to be removed: do this first, or the next one of that number starts out held."""
        try:
            files.unlink(self._hold(number))
        except FileNotFoundError:
            pass

    def _path(self, order: Order) -> bytes:
        return b"%s%s/%d.%s" % (self._queue, ORDERS, order.number, order.verb)

    def _hold(self, number: int) -> bytes:
        return b"%s%s/%d" % (self._queue, HOLDS, number)

    def _written(self, number: int) -> int:
        """When the message of that number was written. FileNotFoundError if there is none."""
        self._split = self._split or spool.split_of(self._queue) or 1
        return files.look(b"%s/mess/%d/%d" % (self._queue, number % self._split, number)).st_mtime_ns

    def _is_meant(self, number: int, written: int) -> bool:
        try:
            return self._written(number) == written or written < 0
        except FileNotFoundError:
            return False

    def _put(self, directory: bytes, path: bytes, written: int) -> None:
        """The file under its name, durably."""
        self._make(directory)
        draft = b"%s%s/.%s.%d" % (self._queue, directory, os.path.basename(path), os.getpid())
        files.unlink_if_possible(draft)  # of a process that was killed, and had our number
        descriptor = files.create_exclusive(draft)
        try:
            try:
                files.change_mode(descriptor, 0o644)  # also where root gives orders to qmails
                files.write_all(descriptor, b"%d\n" % written)
                files.sync(descriptor)
            finally:
                os.close(descriptor)
            files.rename(draft, path)
        except OSError:
            files.unlink_if_possible(draft)
            raise
        try:
            files.sync_directory(self._queue + directory)
        except OSError:
            files.unlink_if_possible(path)
            raise

    def _remove(self, directory: bytes, path: bytes) -> bool:
        try:
            files.unlink(path)
        except FileNotFoundError:
            return False
        files.sync_directory(self._queue + directory)
        return True

    def _make(self, directory: bytes) -> None:
        """Make the directory, if it is missing, for the account that qmail-send runs as."""
        path = self._queue + directory
        try:
            files.make_directory(path, 0o700)
        except FileExistsError:
            if os.lstat(path).st_mode & FILE_TYPE != DIRECTORY:  # a link may lead root anywhere
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            return
        owner = files.look(self._queue + b"/info")
        if owner.st_uid != os.geteuid():
            os.chown(path, owner.st_uid, owner.st_gid)
        files.sync_directory(self._queue)


def _names(directory: bytes) -> list[bytes]:
    try:
        return files.names(directory)
    except FileNotFoundError:
        return []


def _is_number(name: bytes) -> bool:
    """Whether it is a number as we write it: what leads to the same file again."""
    return name.isdigit() and (name[:1] != b"0" or name == b"0")


def _content(path: bytes) -> int:
    """The time in the file; -1 if there is none in it."""
    descriptor = files.open_read(path)
    try:
        text = os.read(descriptor, WRITTEN_LIMIT).strip()
    finally:
        os.close(descriptor)
    return int(text) if text.isdigit() else -1
