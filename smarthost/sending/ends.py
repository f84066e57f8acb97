"""qmail-send's way out: a message that nobody waits for is bounced, if it failed for somebody, and removed.

And the sweep: what qmail-queue left unfinished is removed when it is so old that no qmail-queue can
still be at it.
"""

from __future__ import annotations

from smarthost.formats import sendlog
from smarthost.formats.queuefiles import CHANNELS
from smarthost.policy import bounces as bouncing
from smarthost.sending.desk import FAILURE_PAUSE, clock
from smarthost.store import bounces, queuesteps, queuewhy
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from smarthost.sending.desk import Desk
    from smarthost.store.bounces import Words
    from smarthost.store.queueorders import Orders
    from smarthost.store.submission import Start

# 36 hours: qmail-queue gives up after 24.
OSSIFIED: Final = 129600
SWEEP_EVERY: Final = 76431
# So many messages are looked at in one round of the loop.
SWEEP_STEP: Final = 50


class Ends:
    """words  what bounces say; start  starts the queue program"""

    def __init__(self, desk: Desk, orders: Orders, words: Words, start: Start) -> None:
        self._desk = desk
        self._orders = orders
        self._words = words
        self._start = start

    def step(self) -> None:
        """At most one message that could not be looked at, and one that is done."""
        desk = self._desk
        when = desk.unsure.next_time()
        if when is not None and when <= desk.now:
            desk.take_up(desk.unsure.take()[0])
        when = desk.done.next_time()
        if when is not None and when <= desk.now:
            number = desk.done.take()[0]
            if not self._end(number):
                desk.done.add(number, clock() + FAILURE_PAUSE)

    def _end(self, number: int) -> bool:
        """False: it must be tried again."""
        desk, places = self._desk, self._desk.places
        paths = [*(places.recipients(channel, number) for channel in CHANNELS), places.todo(number)]
        info = places.info(number)
        path = b""
        try:
            for path in paths:
                if queuesteps.exists(path):
                    return True
            path = info
            if not queuesteps.exists(path):
                return True
        except OSError:
            desk.warn(b"unable to stat %s; will try again later" % path)
            return False
        if not self._tell_sender(number):
            return False
        desk.say(sendlog.end(number))
        # The next message of this number is another: it is not held.
        try:
            self._orders.forget_hold(number)
            queuewhy.forget(number)
            files.unlink(info)
        except OSError:
            desk.warn(b"unable to unlink %s; will try again later" % info)
            return False
        desk.clean(places.foop(number))
        return True

    def _tell_sender(self, number: int) -> bool:
        """Bounce it, if there is something to bounce. False: that must be tried again."""
        desk, places = self._desk, self._desk.places
        about = queuesteps.sender_and_birth(places, number)
        if about is None:
            return False
        blamed = bouncing.blamed(about[0])
        path = places.bounce(number)
        try:
            if not queuesteps.exists(path):
                return True
        except OSError:
            desk.warn(b"unable to stat " + path)
            return False
        envelope = bouncing.envelope_of(blamed, self._words.double_to)
        if envelope is None:
            desk.say(sendlog.triple(path))
        else:
            try:
                pid = bounces.inject(
                    places,
                    number,
                    self._words,
                    blamed=blamed,
                    envelope=envelope,
                    seconds=clock(),
                    start=self._start,
                )
            except OSError:
                desk.say(sendlog.NO_QUEUE_PROGRAM)
                return False
            if pid is None:
                desk.say(sendlog.NO_INJECTION)
                return False
            desk.say(sendlog.bounced(number, pid))
        try:
            files.unlink(path)
        except OSError:
            desk.warn(b"unable to unlink " + path)
            return False
        return True


class Sweep:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._next = clock()
        self._found: Iterator[int] | None = None

    @property
    def next_time(self) -> int:
        return 0 if self._found is not None else self._next

    def step(self) -> None:
        desk = self._desk
        if self._found is None:
            if desk.now < self._next:
                return
            self._found = desk.numbers_in(b"mess")
        for _ in range(SWEEP_STEP):
            number = next(self._found, None)
            if number is None:
                self._found = None
                self._next = desk.now + SWEEP_EVERY
                return
            if self._is_left_behind(number):
                desk.clean(desk.places.foop(number))
                return

    def _is_left_behind(self, number: int) -> bool:
        places = self._desk.places
        try:
            if self._desk.now <= int(files.look(places.mess(number)).st_atime) + OSSIFIED:
                return False
            return not queuesteps.exists(places.info(number)) and not queuesteps.exists(places.todo(number))
        except OSError:
            return False
