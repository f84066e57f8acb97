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
from smarthost.unix import fds, files, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.formats.spawn import Command
    from smarthost.server.crew import Crew
    from smarthost.server.workers import Worker

    # Starts a delivery: the descriptors that are to be its 0, and its 1 and 2; sender and recipient.
    # Its pid, or the worker that has it. Raises OSError if there can be no process. See `forked`.
    Start = Callable[[int, int, bytes, bytes], int | Worker]
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

# What is kept of an output that is not to be cut: what comes after it is read, and forgotten.
OUTPUT_LIMIT: Final = 1024 * 1024
# What stands at the end of one that was cut. So many bytes of it are kept that both fit, and three more.
CUT: Final = b"\nError report too long, sorry.\n"
SPARE: Final = 3

_READ: Final = 65536
_OTHERS: Final = fds.Others({0, 1, 2})


def forked(run: Callable[[bytes, bytes], int]) -> Start:
    """Deliveries that `run` makes, in a child that has all that is loaded here, with nothing open but its
    0, 1 and 2, and with signals as Python finds them. What it answers is the exit status; it may also exec.
    """

    def start(message: int, output: int, sender: bytes, recipient: bytes) -> int:
        return fork(message, output, lambda: run(sender, recipient))

    return start


def fork(message: int, output: int, body: Callable[[], int]) -> int:
    """The same, for who has more to tell it. The pid."""

    def child() -> int:
        os.dup2(message, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _OTHERS.close()
        signals.as_after_start()
        return body()

    return process.fork_child(child)


class _Delivery:
    __slots__ = ("closed", "number", "output", "pid", "wait_status")

    def __init__(self, number: int, pid: int) -> None:
        self.number: Final = number
        self.pid: Final = pid
        self.output = b""
        self.closed = False
        self.wait_status: int | None = None


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
        self._workers: dict[int, tuple[Worker, _Delivery]] = {}  # that have a delivery, by descriptor
        self._commands = spawn.Commands()
        self._by_number: dict[int, _Delivery] = {}
        self._by_pid: dict[int, _Delivery] = {}
        self._by_descriptor: dict[int, _Delivery] = {}
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
            for descriptor, _ in self._poll.poll(None if patience is None else patience * 1000 + 1):
                if descriptor == woken:
                    os.read(woken, _READ)
                    self._reap()
                elif descriptor in self._by_descriptor:
                    self._hear(descriptor)
                elif descriptor in self._workers:
                    self._hear_worker(descriptor)
                elif descriptor == COMMANDS and not self._take():
                    reading = False
                    self._poll.unregister(COMMANDS)
        self._flush()
        if self._crew is not None:
            for pid in self._crew.close():
                process.wait(pid)
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
        try:
            reading, writing = os.pipe2(os.O_CLOEXEC)
        except OSError:
            return NO_PIPE
        try:
            started = self._start(message, writing, command.sender, command.recipient)
        except OSError:
            os.close(reading)
            return NO_PROCESS
        finally:
            os.close(writing)
        pid = started if isinstance(started, int) else started.pid
        delivery = _Delivery(command.number, pid)
        if not isinstance(started, int):
            channel = started.channel.fileno()
            self._workers[channel] = started, delivery
            self._poll.register(channel, select.POLLIN)
        self._by_number[command.number] = self._by_pid[pid] = self._by_descriptor[reading] = delivery
        self._poll.register(reading, select.POLLIN)
        return None

    def _hear(self, descriptor: int) -> None:
        """A delivery says something, or will say nothing any more."""
        delivery = self._by_descriptor[descriptor]
        block = os.read(descriptor, _READ)
        if block:
            delivery.output = (delivery.output + block)[:OUTPUT_LIMIT]
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

    def _end(self, delivery: _Delivery) -> None:
        """Report on it, if it is over."""
        if delivery.closed and delivery.wait_status is not None:
            del self._by_number[delivery.number]
            text = self._report(delivery.wait_status, cut(delivery.output, self._longest))
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


def _wake(*_: object) -> None:
    """The byte in the wakeup pipe says it all."""


def cut(output: bytes, longest: int) -> bytes:
    """What is kept of an output. The same bytes whatever pieces it came in, which the original's depend on."""
    if not longest or len(output) <= longest:
        return output
    return output[: longest - len(CUT) - SPARE] + CUT
