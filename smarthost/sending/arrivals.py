"""qmail-send's way in: what qmail-queue has put into todo/ becomes messages to deliver.

It looks when the trigger is pulled, and every 25 minutes by itself. The trigger is opened anew before each
look, so that what comes during the look wakes it again. Orders and holds are looked for at the same time.
"""

from __future__ import annotations

import os

from smarthost.formats import sendlog
from smarthost.sending.desk import SLEEP, clock, numbers
from smarthost.store import preprocess, queuesteps
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from smarthost.sending.desk import Desk
    from smarthost.store.preprocess import SyncAll

TRIGGER: Final = b"lock/trigger"
TODO: Final = b"todo"
LOOK_EVERY: Final = 1500
# So many messages are synced together, while deliveries wait. Each has three files open.
BATCH: Final = 32


class Arrivals:
    """look_around  is called before each look; arrived  is told each message's number."""

    def __init__(
        self,
        desk: Desk,
        sync_all: SyncAll,
        look_around: Callable[[], None],
        arrived: Callable[[int], None],
    ) -> None:
        self.trigger = -1
        self.next_look = clock()
        self._desk = desk
        self._sync_all = sync_all
        self._look_around = look_around
        self._arrived = arrived
        self._found: Iterator[int] | None = None
        self._once_more: int | None = None
        self._set_trigger()

    @property
    def is_looking(self) -> bool:
        return self._found is not None

    def _set_trigger(self) -> None:
        self.close()
        try:
            self.trigger = files.open_read(TRIGGER)
        except OSError:
            self.trigger = -1

    def close(self) -> None:
        if self.trigger >= 0:
            os.close(self.trigger)
            self.trigger = -1

    def step(self, *, pulled: bool) -> int:
        """A few messages; how many."""
        desk = self._desk
        if desk.closing:
            return 0
        if self._found is None:
            if not pulled and desk.now < self.next_look:
                return 0
            self._set_trigger()
            self._look_around()
            try:
                entries = os.scandir(TODO)
            except OSError:
                desk.say(sendlog.no_directory(TODO))
                desk.pause(SLEEP)
                return 0
            self._found = numbers(entries)
            self.next_look = desk.now + LOOK_EVERY
        batch: list[preprocess.Prepared] = []
        while len(batch) < BATCH:
            number, self._once_more = self._once_more, None
            if number is None:
                number = next(self._found, None)
            if number is None:
                self._found = None
                break
            try:
                batch.append(preprocess.Prepared(desk.places, number, desk.rewriter.place, desk.say))
            except queuesteps.Trouble as trouble:
                if batch:
                    # The others' descriptors may be what it lacks: it has its try alone.
                    self._once_more = number
                else:
                    desk.warn(trouble.words)
                break
        self._take_in(batch)
        return len(batch)

    def _take_in(self, batch: list[preprocess.Prepared]) -> None:
        desk = self._desk
        for prepared, trouble in zip(batch, preprocess.sync(batch, self._sync_all), strict=True):
            if trouble is not None:
                desk.warn(trouble.words)
                continue
            if desk.closing or not desk.clean(desk.places.todo(prepared.number)):
                continue
            now = clock()
            for channel in prepared.channels:
                desk.waiting[channel].add(prepared.number, now)
            if not prepared.channels:
                desk.done.add(prepared.number, now)
            self._arrived(prepared.number)
