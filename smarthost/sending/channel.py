"""One of qmail-send's two channels: the deliveries that qmail-lspawn or qmail-rspawn makes for it.

While a message's recipients are read its job is the channel's current one. There may be others, whose last
deliveries still run. One command at a time is
on its way to the spawner: it reads when it can, and nobody waits for it here.
"""

from __future__ import annotations

import os

from smarthost.formats import bounce, queuefiles, sendlog, spawnreport
from smarthost.policy import bounces
from smarthost.sending import jobs
from smarthost.sending.desk import FAILURE_PAUSE, SLEEP
from smarthost.sending.jobs import Delivery, Job
from smarthost.store import queuesteps, queuewhy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Protocol

    from smarthost.formats.spawnreport import Report
    from smarthost.sending.desk import Desk

    class Retry(Protocol):
        def after(self, birth: int, now: int) -> int: ...

    class Hub(Protocol):
        """What both channels share."""

        def next_delivery(self) -> int: ...
        def status(self) -> bytes: ...
        def job_ended(self, number: int) -> None: ...


TO_SPAWN: Final = (1, 3)
FROM_SPAWN: Final = (2, 4)

_READ: Final = 2048

TOO_LONG_IN_QUEUE: Final = b"I'm not going to try again; this message has been in the queue too long.\n"


class Channel:
    """limit  how many deliveries at once; retry  when a message is tried again"""

    def __init__(
        self,
        desk: Desk,
        hub: Hub,
        index: int,
        limit: int,
        retry: Retry,
    ) -> None:
        self.to_spawn: Final = TO_SPAWN[index]
        self.from_spawn: Final = FROM_SPAWN[index]
        self.limit: Final = limit
        self.alive = True
        self.running = 0
        self._desk = desk
        self._index = index
        self._retry = retry
        self._hub = hub
        self._slots: list[Delivery | None] = [None] * limit
        self._reports = spawnreport.Reports()
        self._unsent = b""
        self._job: Job | None = None
        self._recipients: queuesteps.Recipients | None = None
        try:
            os.set_blocking(self.to_spawn, False)
        except OSError:
            self._lose()

    @property
    def wants_to_write(self) -> bool:
        return self.alive and bool(self._unsent)

    @property
    def is_reading(self) -> bool:
        """Whether a message's recipients are being gone through, and the next may be delivered to."""
        return self._job is not None and self._has_room()

    @property
    def is_between(self) -> bool:
        return self._job is None

    def _has_room(self) -> bool:
        return self.alive and not self._unsent and self.running < self.limit

    def _lose(self) -> None:
        self._desk.say(sendlog.LOST_SPAWN)
        self.alive = False
        self._desk.closing = True

    # The way to the spawner

    def send(self) -> None:
        """As much of the command as it takes."""
        try:
            sent = os.write(self.to_spawn, self._unsent)
        except BrokenPipeError:
            self._lose()
        except OSError:
            pass
        else:
            self._unsent = self._unsent[sent:]

    def hear(self) -> None:
        """What it has to report."""
        try:
            data = os.read(self.from_spawn, _READ)
        except OSError:
            return
        if not data:
            self._lose()
            return
        for report in self._reports.feed(data):
            self._end(report)

    # Deliveries

    def _start(self, job: Job, position: int, recipient: bytes) -> None:
        slot = self._slots.index(None)
        delivery = Delivery(self._hub.next_delivery(), job, position, recipient)
        self._slots[slot] = delivery
        self.running += 1
        job.users += 1
        message = self._desk.places.in_mess(job.number)
        sender = bounces.sender_to(recipient, job.sender)
        self._unsent = spawnreport.command(slot, message, sender, recipient)
        line = sendlog.starting(delivery.number, job.number, self._index, recipient)
        self._desk.say(line + self._hub.status())
        self.send()

    def _end(self, report: Report) -> None:
        delivery = self._slots[report.slot] if report.slot < self.limit else None
        if delivery is None:
            self._desk.say(sendlog.OUT_OF_RANGE)
            return
        job = delivery.job
        letter, text = report.letter, report.text
        if letter == spawnreport.DEFERRED and job.dying:
            letter = spawnreport.FAILED
            text += TOO_LONG_IN_QUEUE
        if letter == spawnreport.DELIVERED:
            self._desk.say(sendlog.ended(delivery.number, b"success", text))
            self._mark_done(delivery)
        elif letter == spawnreport.DEFERRED:
            self._desk.say(sendlog.ended(delivery.number, b"deferral", text))
            queuewhy.deferred(job.number, self._index, delivery.recipient, text)
        elif letter == spawnreport.FAILED:
            self._desk.say(sendlog.ended(delivery.number, b"failure", text))
            self._add_to_bounce(delivery, text)
            self._mark_done(delivery)
        else:
            self._desk.say(sendlog.mangled(delivery.number))
        self._leave(job)
        self._slots[report.slot] = None
        self.running -= 1
        self._desk.say(self._hub.status())

    def _mark_done(self, delivery: Delivery) -> None:
        path = self._desk.places.recipients(self._index, delivery.job.number)
        try:
            queuesteps.mark_done(path, delivery.position)
        except OSError:
            self._desk.warn(b"trouble marking %s; message will be delivered twice!" % path)
        delivery.job.left -= 1
        queuewhy.done(delivery.job.number, self._index, delivery.recipient)

    def _add_to_bounce(self, delivery: Delivery, report: bytes) -> None:
        """There is no going on before this is written down."""
        path = self._desk.places.bounce(delivery.job.number)
        paragraph = bounce.paragraph(self._desk.rewriter.without_prepend(delivery.recipient), report)
        while True:
            try:
                queuesteps.add_to_bounce(path, paragraph)
                return
            except OSError:
                self._desk.say(sendlog.NO_APPEND)
                self._desk.pause(SLEEP)

    # Messages

    def step(self) -> None:
        """One step of going through messages and their recipients."""
        desk = self._desk
        if desk.closing or (self._job is None and not self._begin()) or not self._has_room():
            return
        job, recipients = self._job, self._recipients
        assert job is not None
        assert recipients is not None
        path = desk.places.recipients(self._index, job.number)
        try:
            found = recipients.take()
        except OSError:
            desk.warn(b"trouble reading %s; will try again later" % path)
            self._stop_reading(job)
            return
        if found is None:
            job.whole = True
            self._stop_reading(job)
            return
        position, record = found
        letter = record[0] if record else 0
        if letter == queuefiles.RECIPIENT:
            job.left += 1
            self._start(job, position, record[1:])
        elif letter != queuefiles.DONE:
            desk.warn(b"unknown record type in %s!" % path)
            self._stop_reading(job)

    def _begin(self) -> bool:
        """The next message, if its time has come."""
        desk = self._desk
        schedule = desk.waiting[self._index]
        when = schedule.next_time()
        if when is None or when > desk.now or not desk.may_take_job():
            return False
        number, when = schedule.take()
        if number in desk.held:
            desk.parked[self._index][number] = when
            return False
        try:
            self._recipients, sender, birth = self._open(number)
        except queuesteps.Trouble as trouble:
            desk.warn(trouble.words)
            schedule.add(number, desk.now + FAILURE_PAUSE)
            return False
        dying = desk.now > birth + desk.lifetime
        self._job = Job(number, sender, self._retry.after(birth, desk.now), dying=dying)
        desk.jobs[self._index][number] = self._job
        return True

    def _open(self, number: int) -> tuple[queuesteps.Recipients, bytes, int]:
        """The message's recipients, its sender, and when it was born. Raises Trouble."""
        path = self._desk.places.recipients(self._index, number)
        with queuesteps.Doing(b"trouble opening %s; will try again later" % path):
            recipients = queuesteps.Recipients(path)
        about = queuesteps.sender_and_birth(self._desk.places, number)
        if about is None:
            recipients.close()
            path = self._desk.places.info(number)
            raise queuesteps.Trouble(b"trouble opening %s; will try again later" % path)
        return (recipients, *about)

    def _stop_reading(self, job: Job) -> None:
        assert self._recipients is not None
        self._recipients.close()
        self._recipients = self._job = None
        self._leave(job)

    def _leave(self, job: Job) -> None:
        """One of the job's users has done its part. The last ends it."""
        job.users -= 1
        if job.users:
            return
        self._desk.jobs[self._index].pop(job.number, None)
        jobs.end(self._desk, self._index, job)
        self._hub.job_ended(job.number)
