"""What qmail-send's parts share: where each message stands, the log, the clock, and qmail-clean."""

from __future__ import annotations

import os
import time

from smarthost.formats import queuefiles, sendlog
from smarthost.formats.queuefiles import CHANNELS
from smarthost.policy.schedule import Schedule
from smarthost.store import queuesteps
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Final

    from smarthost.formats.queuefiles import Places
    from smarthost.policy.rewrite import Rewriter
    from smarthost.sending.jobs import Job

    # What os.scandir answers.
    Entries = AbstractContextManager[Iterator[os.DirEntry[bytes]]]

LOG: Final = 0
TO_CLEAN: Final = 5
FROM_CLEAN: Final = 6

# After a call of the system failed, a message waits so long.
FAILURE_PAUSE: Final = 123
# What cannot go on at all tries again after so long.
SLEEP: Final = 10

CLEANED: Final = b"+"


def clock() -> int:
    return int(time.time())


def numbers(entries: Entries) -> Iterator[int]:
    """The names that are numbers. A directory that cannot be read on has ended, as in the original."""
    with entries as each:
        try:
            for entry in each:
                number = queuefiles.number(entry.name)
                if number is not None:
                    yield number
        except OSError:
            pass


class Desk:
    """lifetime  how many seconds a message may be tried for
    waiting   for each channel, the messages with recipients there, by the time of their next try
    done      messages that nobody waits for any more, by the time when they are to be removed
    unsure    messages that could not be looked at
    held      the numbers of those that no delivery may begin of
    parked    for each channel, the held ones whose time has come, with that time
    jobs      for each channel, the messages that are being delivered
    now       the time at which this round of the loop began
    closing   nothing new is begun any more
    """

    def __init__(
        self, places: Places, rewriter: Rewriter, lifetime: int, pause: Callable[[int], None]
    ) -> None:
        self.places: Final = places
        self.rewriter: Final = rewriter
        self.lifetime: Final = lifetime
        self.pause: Final = pause
        self.now = clock()
        self.closing = False
        self.waiting: Final = [Schedule() for _ in CHANNELS]
        self.done: Final = Schedule()
        self.unsure: Final = Schedule()
        self.held: set[int] = set()
        self.parked: Final[list[dict[int, int]]] = [{} for _ in CHANNELS]
        self.jobs: Final[list[dict[int, Job]]] = [{} for _ in CHANNELS]
        self.job_limit = 0

    def say(self, line: bytes) -> None:
        """A log that is not read is no reason to stop."""
        try:
            files.write_all(LOG, line)
        except OSError:
            pass

    def warn(self, what: bytes) -> None:
        self.say(sendlog.warning(what))

    def may_take_job(self) -> bool:
        return sum(map(len, self.jobs)) < self.job_limit

    def clean(self, path: bytes) -> bool:
        """Tell qmail-clean to do it. Whether it did; without qmail-clean there is no going on."""
        answer = b""
        try:
            files.write_all(TO_CLEAN, path + b"\0")
            answer = os.read(FROM_CLEAN, 1)
        except OSError:
            pass
        if not answer:
            self.say(sendlog.LOST_CLEAN)
            self.closing = True
        elif answer != CLEANED:
            self.say(sendlog.no_cleaning(path))
        return answer == CLEANED

    def take_up(self, number: int) -> None:
        """Find out where a message stands that is in info/."""
        places = self.places
        path = places.info(number)
        try:
            if not queuesteps.exists(path):
                return
            path = places.todo(number)
            if queuesteps.exists(path):
                return  # its preprocessing did not end
            times = []
            for channel in CHANNELS:
                path = places.recipients(channel, number)
                times.append(queuesteps.changed(path))
        except OSError:
            self.warn(b"unable to stat %s; will try again later" % path)
            self.unsure.add(number, clock() + FAILURE_PAUSE)
            return
        for channel in CHANNELS:
            when = times[channel]
            if when is not None:
                self.waiting[channel].add(number, when)
        if times == [None, None]:
            self.done.add(number, clock())

    def take_up_all(self) -> None:
        for number in self.numbers_in(b"info"):
            self.take_up(number)

    def numbers_in(self, directory: bytes) -> Iterator[int]:
        """The numbers of all messages with a file there, as they are read. Waits where that cannot be."""
        for part in range(self.places.split):
            path = b"%s/%d" % (directory, part)
            while True:
                try:
                    entries = os.scandir(path)
                    break
                except OSError:
                    self.say(sendlog.no_directory(path))
                    self.pause(SLEEP)
            yield from numbers(entries)

    def retry_all(self) -> None:
        """SIGALRM: every message is to be tried now."""
        for schedule in self.waiting:
            schedule.all_at(self.now)
        for parked in self.parked:
            for number in parked:
                parked[number] = self.now

    def hold(self, held: set[int]) -> None:
        """These are held from now on, and no others."""
        self.held = held
        for channel, parked in enumerate(self.parked):
            for number in parked.keys() - held:
                self.waiting[channel].add(number, parked.pop(number))

    def write_times(self) -> None:
        """Put down on disk when each message is to be tried, for the next qmail-send."""
        for channel, schedule in enumerate(self.waiting):
            for entries in (schedule, self.parked[channel].items()):
                for number, when in entries:
                    path = self.places.recipients(channel, number)
                    try:
                        files.set_times(path, when)
                    except OSError:
                        self.warn(b"unable to utime %s; message will be retried too soon" % path)
