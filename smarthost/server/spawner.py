"""The part that qmail-lspawn and qmail-rspawn have in common (spawn.c): one process for each delivery.

Commands come on descriptor 0, reports go to descriptor 1, what both say is in formats/spawn.py. This
directory is queue/mess. A delivery has the message as its 0, and as its 1 and 2 a pipe that is read
here. It is over when its process has ended and nobody has that pipe any more: what a delivery left
running in the background may still say something.

A message's file is trusted only if it is an ordinary one and belongs to whom queue/mess belongs to:
the original asks for the account qmailq, which is the same there.

When descriptor 0 has ended no delivery is begun any more, and those that run are waited for. When
nobody reads the reports any more the deliveries go on.
"""

from __future__ import annotations

import gc
import os
import select
import stat

from smarthost.formats import spawn
from smarthost.server import delivering
from smarthost.server.delivering import Asking, Delivery
from smarthost.unix import fds, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.formats.spawn import Command
    from smarthost.server.crew import Crew
    from smarthost.server.delivering import Start, Then
    from smarthost.server.workers import Worker

    # What is told about one that ended: its wait status and its output, to text.
    Report = Callable[[int, bytes], bytes]

COMMANDS: Final = 0
REPORTS: Final = 1

UNABLE_TO_OPEN: Final = b"Zqmail-spawn unable to open message. (#4.3.0)\n"
UNABLE_TO_STAT: Final = b"Zqmail-spawn unable to fstat message. (#4.3.0)\n"
WRONG_TYPE: Final = b"ZSorry, message has wrong type. (#4.3.5)\n"
WRONG_OWNER: Final = b"ZSorry, message has wrong owner. (#4.3.5)\n"
NO_PIPE: Final = b"Zqmail-spawn unable to create pipe. (#4.3.0)\n"
NO_PROCESS: Final = b"Zqmail-spawn unable to fork. (#4.3.0)\n"

_READ: Final = 65536


class Spawner:
    """Deliveries at a spawner's hand.

    report   what is said of one that ended
    longest  an output is cut at this length, 0 for never
    crew     whose workers `start` may have begun
    """

    def __init__(self, start: Start, report: Report, longest: int = 0, crew: Crew | None = None) -> None:
        self._start = start
        self._report = report
        self._longest = longest
        self._crew = crew
        self._workers: dict[int, tuple[Worker, Delivery]] = {}  # that have a delivery, by descriptor
        self._commands = spawn.Commands()
        self._by_number: dict[int, Delivery] = {}
        self._by_pid: dict[int, Delivery] = {}
        self._by_descriptor: dict[int, Delivery] = {}
        self._said = b""
        self._heard = True

    def serve(self) -> int:
        """Until descriptor 0 and all deliveries have ended; then 0. Descriptors 0 to 2 are open."""
        self._owner = os.stat(b".").st_uid
        self._poll = select.poll()  # which knows what epoll does not: files and /dev/null
        woken, wake = map(fds.high, os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))
        signals.ignore(signals.SIGPIPE)
        signals.catch(signals.SIGCHLD, _wake)
        signals.wake_by(wake)
        signals.unblock([signals.SIGCHLD])
        for descriptor in (woken, COMMANDS):
            self._poll.register(descriptor, select.POLLIN)
        reading = True
        # What lives until the end is not looked at again: a collection in a child would copy every page.
        gc.collect()
        gc.freeze()
        self._said = bytes((spawn.CONCURRENCY,))
        while reading or self._by_number:
            self._flush()
            patience = self._crew.expire() if self._crew is not None else None
            happened = self._poll.poll(None if patience is None else patience * 1000 + 1)
            for descriptor, _ in happened:
                if descriptor in self._by_descriptor:
                    self._hear(descriptor)
                elif descriptor in self._workers:
                    self._hear_worker(descriptor)
                elif descriptor == COMMANDS and not self._take():
                    reading = False
                    self._poll.unregister(COMMANDS)
            # Last: it closes what others of these may be about, and a new delivery would get the number.
            if any(descriptor == woken for descriptor, _ in happened):
                os.read(woken, _READ)
                self._reap()
        self._flush()
        if self._crew is not None:
            self._crew.close()
            _wait_for_all()
        return 0

    def _take(self) -> bool:
        """Read commands and begin what they say. False if there are none any more."""
        try:
            block = os.read(COMMANDS, _READ)
        except OSError:
            return False
        for command in self._commands.feed(block):
            refusal = self._begin(command)
            if refusal is not None:
                self._said += spawn.report(command.number, refusal)
        return bool(block)

    def _begin(self, command: Command) -> bytes | None:
        """Begin the delivery; why not, if not."""
        if not command.whole:
            return spawn.TOO_MUCH
        if command.number >= spawn.CONCURRENCY:
            return spawn.NUMBER_TOO_BIG
        if command.number in self._by_number:
            return spawn.NUMBER_IN_USE
        problem = command.problem()
        if problem is not None:
            return problem
        try:
            message = files.open_read(command.file)
        except OSError:
            return UNABLE_TO_OPEN
        try:
            return self._distrust(message) or self._start_one(command, message)
        finally:
            os.close(message)

    def _distrust(self, message: int) -> bytes | None:
        try:
            status = os.fstat(message)
        except OSError:
            return UNABLE_TO_STAT
        if not stat.S_ISREG(status.st_mode):
            return WRONG_TYPE
        return None if status.st_uid == self._owner else WRONG_OWNER

    def _start_one(self, command: Command, message: int) -> bytes | None:
        delivery = Delivery(command.number)

        def start(output: int) -> int | Worker:
            started = self._start(message, output, command.sender, command.recipient)
            if isinstance(started, Asking):
                delivery.then = started.then
                try:
                    delivery.message = fds.duplicate(message)
                except OSError:
                    if self._crew is not None and not isinstance(started.asked, int):
                        self._crew.dismiss(started.asked)
                    raise
                return started.asked
            return started

        refusal = self._begin_process(delivery, start)
        if refusal is None:
            self._by_number[command.number] = delivery
        return refusal

    def _begin_process(self, delivery: Delivery, start: Callable[[int], int | Worker]) -> bytes | None:
        """Start a process of the delivery, and listen to it; why not, if not."""
        try:
            reading, writing = os.pipe2(os.O_CLOEXEC)
        except OSError:
            return NO_PIPE
        try:
            started = start(writing)
        except OSError:
            os.close(reading)
            return NO_PROCESS
        finally:
            os.close(writing)
        self._by_descriptor[reading] = delivery
        self._poll.register(reading, select.POLLIN)
        if isinstance(started, int):
            self._by_pid[started] = delivery
        else:
            self._by_pid[started.pid] = delivery
            channel = started.channel.fileno()
            self._workers[channel] = started, delivery
            self._poll.register(channel, select.POLLIN)
        return None

    def _go_on(self, delivery: Delivery, then: Then) -> bytes | None:
        """It has its answer."""
        ended, answer, message = delivery.wait_status, delivery.output, delivery.take_message()
        assert ended is not None
        delivery.then = None
        delivery.begin_again()
        try:
            return self._begin_process(delivery, lambda output: then(ended, answer, message, output))
        finally:
            os.close(message)

    def _hear(self, descriptor: int) -> None:
        """A delivery says something, or will say nothing any more."""
        delivery = self._by_descriptor[descriptor]
        block = os.read(descriptor, _READ)
        delivery.output = (delivery.output + block)[: delivering.OUTPUT_LIMIT]
        # Who answers without end is not listened to.
        if block and (delivery.then is None or len(delivery.output) < delivering.ANSWER_LIMIT):
            return
        self._poll.unregister(descriptor)
        del self._by_descriptor[descriptor]
        os.close(descriptor)
        delivery.closed = True
        self._end(delivery)

    def _hear_worker(self, descriptor: int) -> None:
        """A worker has finished its delivery, or is gone."""
        worker, delivery = self._workers[descriptor]
        try:
            report = worker.report()
        except EOFError:  # `_reap` will know how it ended
            self._poll.unregister(descriptor)
            return
        if report is not None:
            delivery.wait_status, again = report
            del self._by_pid[worker.pid]
            self._part(worker, again=again)
            self._end(delivery)

    def _part(self, worker: Worker, *, again: bool) -> None:
        """It has no delivery any more."""
        assert self._crew is not None
        descriptor = worker.channel.fileno()
        del self._workers[descriptor]
        try:
            self._poll.unregister(descriptor)
        except KeyError:
            pass  # it was gone before
        if again:
            self._crew.put_back(worker)
        else:
            self._crew.dismiss(worker)

    def _reap(self) -> None:
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            delivery = self._by_pid.pop(pid, None)
            if delivery is not None:
                delivery.wait_status = wait_status
                for worker, of in list(self._workers.values()):
                    if of is delivery:
                        delivery.wait_status = worker.last_words(wait_status)
                        self._part(worker, again=False)
                self._end(delivery)
            elif self._crew is not None:
                self._crew.ended(pid)

    def _end(self, delivery: Delivery) -> None:
        """Report on it, if it is over."""
        if not delivery.closed or delivery.wait_status is None:
            return
        if delivery.then is not None:
            text = self._go_on(delivery, delivery.then)
        else:
            text = self._report(delivery.wait_status, delivering.cut(delivery.output, self._longest))
        if text is not None:
            del self._by_number[delivery.number]
            self._said += spawn.report(delivery.number, text)

    def _flush(self) -> None:
        """Say what there is to say, all in one."""
        if self._said and self._heard:
            try:
                files.write_all(REPORTS, self._said)
            except OSError:
                self._heard = False
                fds.null(REPORTS)
        self._said = b""


def _wait_for_all() -> None:
    """Also those who were let go before, and may not have ended yet."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _wake(*_: object) -> None:
    """The byte in the wakeup pipe says it all."""
