"""qmail-send's loop: what happens in a round, and until when it sleeps.

The rounds are the original's, step by step, so that two queues in the same state have the same log: write to
the spawners, hear from them, take in one message, go one step through the messages of each channel, end one
message, sweep.
"""

from __future__ import annotations

import os
import select

from smarthost.formats import queuefiles, sendlog
from smarthost.sending.arrivals import Arrivals
from smarthost.sending.channel import Channel
from smarthost.sending.desk import clock
from smarthost.sending.ends import Ends, Sweep
from smarthost.sending.orderly import Orderly
from smarthost.store.queueorders import Orders
from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from smarthost.sending.channel import Retry
    from smarthost.sending.desk import Desk
    from smarthost.store.bounces import Words
    from smarthost.store.preprocess import SyncAll
    from smarthost.store.submission import Start

# Nobody sleeps longer than a day.
LONGEST_SLEEP: Final = 86400
# Sleep a second more than needed, so that what is due then is due.
FUZZ: Final = 1

CAUGHT: Final = (signals.SIGTERM, signals.SIGALRM, signals.SIGHUP)

_NEWS: Final = 4096


class Wishes:
    """What the signals ask for, and the pipe that ends a sleep when they come."""

    def __init__(self) -> None:
        self.terminate = self.retry = self.reread = False
        self.woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for signum in CAUGHT:
            signals.catch(signum, self._take)
        signals.wake_by(self._wake)

    def _take(self, signum: int, _frame: object) -> None:
        if signum == signals.SIGTERM:
            self.terminate = True
        elif signum == signals.SIGALRM:
            self.retry = True
        else:
            self.reread = True

    def hear(self) -> None:
        try:
            os.read(self.woken, _NEWS)
        except BlockingIOError:
            pass

    def pause(self, seconds: int) -> None:
        """Sleep; a signal ends it."""
        poll = select.poll()
        poll.register(self.woken, select.POLLIN)
        poll.poll(seconds * 1000)
        self.hear()


class Loop:
    """reread  reads locals and virtualdomains again."""

    def __init__(
        self,
        desk: Desk,
        wishes: Wishes,
        limits: Sequence[int],
        retries: Sequence[Retry],
        *,
        words: Words,
        start: Start,
        sync_all: SyncAll,
        reread: Callable[[], None],
    ) -> None:
        orders = Orders(b".")
        self._orderly = Orderly(desk, orders)
        self._desk = desk
        self._wishes = wishes
        self._limits = limits
        self._reread = reread
        self._poll = select.poll()
        self._registered: dict[int, int] = {}
        self._last_delivery = 0
        self._channels = [
            Channel(desk, self, index, limits[index], retries[index]) for index in queuefiles.CHANNELS
        ]
        desk.job_limit = sum(limits)
        desk.take_up_all()
        desk.say(self.status())
        self._ends = Ends(desk, orders, words, start)
        self._arrivals = Arrivals(desk, sync_all, self._orderly.look_around, self._orderly.may_carry_out)
        self._sweep = Sweep(desk)

    def next_delivery(self) -> int:
        self._last_delivery += 1
        return self._last_delivery

    def job_ended(self, number: int) -> None:
        self._orderly.may_carry_out(number)

    def status(self) -> bytes:
        running = [channel.running for channel in self._channels]
        return sendlog.status(running, self._limits, closing=self._desk.closing)

    def run(self) -> None:
        """Until SIGTERM, or one of the others is lost; and then until the last delivery has ended."""
        desk = self._desk
        try:
            while not self._may_end():
                self._grant_wishes()
                happened = self._sleep()
                # A message that came after HUP goes by the new lists, also where both ended the same sleep.
                self._grant_wishes()
                self._round(happened)
        finally:
            self._arrivals.close()
        desk.write_times()
        desk.say(sendlog.EXITING)

    def _may_end(self) -> bool:
        """Those of a spawner that is lost are not waited for."""
        self._desk.closing = self._desk.closing or self._wishes.terminate
        return self._desk.closing and not any(channel.running for channel in self._channels if channel.alive)

    def _grant_wishes(self) -> None:
        desk, wishes = self._desk, self._wishes
        desk.now = clock()
        if wishes.retry:
            wishes.retry = False
            desk.retry_all()
        if wishes.reread:
            wishes.reread = False
            self._reread()

    def _sleep(self) -> dict[int, int]:
        """Until something happens, or it is time for something. What happened, by descriptor."""
        desk = self._desk
        due = min(self._due(), desk.now + LONGEST_SLEEP)
        wanted = {self._wishes.woken: select.POLLIN}
        for channel in self._channels:
            if channel.alive:
                wanted[channel.from_spawn] = select.POLLIN
            if channel.wants_to_write:
                wanted[channel.to_spawn] = select.POLLOUT
        if self._arrivals.trigger >= 0 and not desk.closing:
            wanted[self._arrivals.trigger] = select.POLLIN
        if wanted != self._registered:
            for descriptor in self._registered.keys() - wanted.keys():
                self._poll.unregister(descriptor)
            for descriptor, events in wanted.items():
                self._poll.register(descriptor, events)
            self._registered = wanted
        happened = dict(self._poll.poll(0 if due <= desk.now else (due - desk.now + FUZZ) * 1000))
        if self._wishes.woken in happened:
            self._wishes.hear()
        return happened

    def _due(self) -> int:
        """When there is something to do next, whatever happens."""
        desk = self._desk
        times: list[int | None] = [self._sweep.next_time]
        if not desk.closing:
            if self._arrivals.is_looking or any(channel.is_reading for channel in self._channels):
                return 0
            if desk.may_take_job():
                for schedule, channel in zip(desk.waiting, self._channels, strict=True):
                    if channel.is_between:
                        times.append(schedule.next_time())
            times += [self._arrivals.next_look, desk.unsure.next_time(), desk.done.next_time()]
        return min([time for time in times if time is not None])

    def _round(self, happened: dict[int, int]) -> None:
        desk = self._desk
        desk.closing = desk.closing or self._wishes.terminate
        for channel in self._channels:
            if channel.to_spawn in happened and channel.wants_to_write:
                channel.send()
        for channel in self._channels:
            if channel.from_spawn in happened and channel.alive:
                channel.hear()
        taken = self._arrivals.step(pulled=self._arrivals.trigger in happened)
        # However many come in, as many can go out: a message needs a step for its recipient and one for its end.
        for _ in range(max(1, 2 * taken)):
            for channel in self._channels:
                channel.step()
            self._ends.step()
        self._sweep.step()
