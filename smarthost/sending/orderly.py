"""qmail-send carries out what the queue's administrator orders: retry, bounce or delete a message, or hold it.

An order that cannot be carried out yet, because a delivery of the message runs or it is still in todo, waits in
memory and on disk. The order's file goes last: what was interrupted is done again after the next start.
"""

from __future__ import annotations

from smarthost.formats.queuefiles import CHANNELS
from smarthost.sending.desk import clock
from smarthost.store import queueorders, queuesteps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.sending.desk import Desk
    from smarthost.store.queueorders import Order, Orders

GIVEN_UP: Final = b"I'm not going to try again; the administrator has given up this message.\n"


class Orderly:
    def __init__(self, desk: Desk, orders: Orders) -> None:
        self._desk = desk
        self._orders = orders
        self._waiting: dict[int, list[Order]] = {}

    def look_around(self) -> None:
        """Read orders and holds, and carry out what can be."""
        try:
            self._desk.hold(self._orders.held())
            found = self._orders.pending()
        except OSError:
            self._desk.warn(b"unable to read orders; will try again later")
            return
        self._waiting.clear()
        for order in found:
            self._waiting.setdefault(order.number, []).append(order)
        for number in list(self._waiting):
            self.may_carry_out(number)

    def may_carry_out(self, number: int) -> None:
        """Something has changed for this message: its job has ended, or it has come out of todo."""
        desk = self._desk
        orders = self._waiting.get(number)
        if not orders:
            return
        busy = any(number in jobs for jobs in desk.jobs)
        try:
            if queuesteps.exists(desk.places.todo(number)):
                return
            for order in list(orders):
                if busy and order.verb != queueorders.RETRY:
                    return
                self._carry_out(number, order.verb)
                self._orders.done(order)
                orders.remove(order)
        except OSError:
            desk.warn(b"unable to carry out orders for msg %d; will try again later" % number)
            return
        del self._waiting[number]

    def _carry_out(self, number: int, verb: bytes) -> None:
        desk = self._desk
        if verb == queueorders.RETRY:
            for channel in CHANNELS:
                if number in desk.parked[channel]:
                    desk.parked[channel][number] = clock()
                elif desk.waiting[channel].remove(number) is not None:
                    desk.waiting[channel].add(number, clock())
            for schedule in (desk.done, desk.unsure):
                if schedule.remove(number) is not None:
                    schedule.add(number, clock())
            return
        if verb == queueorders.BOUNCE:
            queuesteps.give_up(desk.places, desk.rewriter, number, GIVEN_UP)
        else:
            queuesteps.discard(desk.places, number)
        for channel in CHANNELS:
            desk.waiting[channel].remove(number)
            desk.parked[channel].pop(number, None)
        for schedule in (desk.done, desk.unsure):
            schedule.remove(number)
        desk.done.add(number, clock())
