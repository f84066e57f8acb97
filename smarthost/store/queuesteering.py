"""How is the queue steered from outside? With qmail-send at work by orders to it, without it by ourselves.

Who holds lock/sendmutex is qmail-send; while we hold it none can start. Without one:

retry    the files of the recipients get the time of now, which is when a qmail-send that starts begins with them
delete   the order is given, carried out, and removed: if that ends half way, the next qmail-send goes on
bounce   the order is given, and waits for the next qmail-send

Every function raises OSError.
"""

from __future__ import annotations

import os
from time import monotonic, sleep

from smarthost.formats.queuelisting import LOCAL, REMOTE
from smarthost.store import queueorders, spool
from smarthost.store.queueorders import Orders
from smarthost.store.queueview import View
from smarthost.unix import files, locks, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Final

    from smarthost.store.queueorders import Order

MUTEX: Final = b"/lock/sendmutex"

# So long a qmail-send that is busy may take until it looks at orders.
PATIENCE: Final = 10.0
PAUSE: Final = 0.01

# What became of an order.
DONE: Final = "done"
LATER: Final = "later"
NEXT_START: Final = "next start"
UNHEARD: Final = "unheard"


class Mutex:
    """lock/sendmutex, if it can be had: with it no qmail-send runs, nor can start. The value says whether it is."""

    def __init__(self, queue: bytes) -> None:
        self._descriptor = files.open_write(queue + MUTEX)

    def __enter__(self) -> bool:
        try:
            files.lock_at_once(self._descriptor)
        except BlockingIOError:
            return False
        return True

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


class Steering:
    """One queue."""

    def __init__(self, queue: bytes, patience: float = PATIENCE) -> None:
        self._queue = queue
        self._patience = patience
        self.orders: Final = Orders(queue)
        self.view: Final = View(queue)

    def order(self, number: int, verb: bytes) -> str:
        """Have it carried out; what became of it. FileNotFoundError if there is no such message any more."""
        with Mutex(self._queue) as is_ours:
            if is_ours:
                return self._alone(number, verb)
        order = self.orders.place(number, verb)
        if self._is_heard(number, order):
            return LATER if self.orders.is_pending(order) else DONE
        return UNHEARD if self.orders.withdraw(order) else DONE

    def hold(self, number: int) -> bool:
        """Hold it. False if the qmail-send that runs knows no holds; then it is not held."""
        self.orders.hold(number)
        with Mutex(self._queue) as is_ours:
            if is_ours:
                return True
        if self._is_heard(number):
            return True
        self.orders.release(number)
        return False

    def release(self, number: int) -> bool:
        """Let it go. Whether it was held."""
        held = self.orders.release(number)
        spool.pull_trigger(self._queue)
        return held

    def retry_all(self) -> int | None:
        """Have everything tried now: the process id of the qmail-send that was told; 0 if none runs.

        None if one runs whose process cannot be seen. PermissionError if it cannot be told.
        """
        with Mutex(self._queue) as is_ours:
            if is_ours:
                for number in self.view.looked_at():
                    self._retry(number)
                return 0
        pid = locks.holder(self._queue + MUTEX)
        if pid is not None:
            os.kill(pid, signals.SIGALRM)
        return pid

    def _is_heard(self, number: int, order: Order | None = None) -> bool:
        """Wait until the order is carried out; in vain, whether somebody reads orders at all."""
        try:
            sign = self.orders.place(number, queueorders.LOOK)
        except FileNotFoundError:  # carried out already, and the message is gone
            return True
        spool.pull_trigger(self._queue)
        deadline = monotonic() + self._patience
        while self.orders.is_pending(order or sign) and monotonic() < deadline:
            sleep(PAUSE)
        return not self.orders.withdraw(sign)

    def _alone(self, number: int, verb: bytes) -> str:
        if verb == queueorders.RETRY:
            self._retry(number)
            return NEXT_START
        order = self.orders.place(number, verb)
        if verb == queueorders.BOUNCE:
            return NEXT_START
        self._delete(number)
        try:
            self.orders.done(order)
        except OSError:
            pass  # it is found again, and means a message that is gone
        return DONE

    def _retry(self, number: int) -> None:
        """Recipients that are done with by now have no file."""
        for channel in (LOCAL, REMOTE):
            try:
                os.utime(self.view.path(channel, number))
            except FileNotFoundError:
                pass

    def _delete(self, number: int) -> None:
        """First who would get it, then what would be said of it, then the message.

        Its hold goes before its number may be used again.
        """
        self.orders.forget_hold(number)
        for kind in (b"why", b"local", b"remote", b"bounce", b"todo", b"intd", b"info", b"mess"):
            try:
                files.unlink(self.view.path(kind, number))
            except FileNotFoundError:
                pass
