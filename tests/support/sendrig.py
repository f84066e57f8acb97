"""A qmail-send, ours or another, with a test in the place of qmail-lspawn, qmail-rspawn and qmail-clean.

Each step of the test waits for what the step before it leads to, so that two programs can be compared line by line.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smarthost.formats import queuefiles
from smarthost.programs.qmail import qmail_clean
from smarthost.store import spool
from tests.support import processes
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

LOCAL, REMOTE, CLEAN = 0, 1, 2
CONCURRENCY = 120

_QP = re.compile(rb"qp \d+")
_TOLD = re.compile(
    rb"^delivery \d+: (?:success|deferral|failure|report).*\nstatus: .*\n\Z", re.MULTILINE | re.DOTALL
)
_DATE = re.compile(rb"Date: .*\n")


@dataclass(frozen=True)
class Command:
    slot: int
    message: bytes
    sender: bytes
    recipient: bytes


class Rig:
    """`clean` answers qmail-clean's commands; where it has no answer, what they say is done.

    argv: the program, or what a forked child does in its place
    """

    def __init__(
        self,
        argv: list[str] | Callable[[], int],
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        clean: Callable[[bytes], bytes | None] = lambda _: None,
        limits: tuple[bytes, bytes] = (bytes((CONCURRENCY,)),) * 2,
    ) -> None:
        self.home = home
        self.log = b""
        self._clean = clean
        self._commands: list[list[Command]] = [[], []]
        self._partial = [b"", b"", b""]
        self._places = queuefiles.Places(spool.SPLIT)
        pipes = [os.pipe() for _ in range(7)]
        log, to_local, from_local, to_remote, from_remote, to_clean, from_clean = pipes
        theirs = (
            log[1],
            to_local[1],
            from_local[0],
            to_remote[1],
            from_remote[0],
            to_clean[1],
            from_clean[0],
        )
        self._log, self._hears = log[0], [to_local[0], to_remote[0], to_clean[0]]
        self.says = [from_local[1], from_remote[1], from_clean[1]]
        for descriptor, limit in zip(self.says, limits, strict=False):
            os.write(descriptor, limit)
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20) for descriptor in theirs]
        environ = {"PATH": os.environ["PATH"], "QMAILHOME": str(home), **(env or {})}
        if callable(argv):
            self.pid = _forked(argv, environ, high)
        else:
            self.pid = os.posix_spawn(
                argv[0] if "/" in argv[0] else f"/usr/bin/{argv[0]}",
                argv,
                environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, each, place) for place, each in enumerate(high)],
                # What runs in the background may have the others ignored.
                setsigdef=[signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT],
            )
        for descriptor in (*theirs, *high):
            os.close(descriptor)
        self._open = {self._log, *self._hears}
        self.status: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for descriptor in (self._log, *self._hears, *self.says):
            if descriptor >= 0:
                os.close(descriptor)

    def _turn(self) -> None:
        """Take what has come, and serve qmail-clean."""
        readable, _, _ = select.select(list(self._open), [], [], 0.05)
        for descriptor in readable:
            data = os.read(descriptor, 65536)
            if not data:
                self._open.discard(descriptor)
            elif descriptor == self._log:
                self.log += data
            else:
                self._take(self._hears.index(descriptor), data)

    def _take(self, which: int, data: bytes) -> None:
        stream = self._partial[which] + data
        if which == CLEAN:
            *commands, stream = stream.split(b"\0")
            for command in commands:
                self._serve_clean(command)
        else:
            # A slot, which may be zero, and three values.
            while len(parts := stream[1:].split(b"\0", 3)) == 4:
                self._commands[which].append(Command(stream[0], *parts[:3]))
                stream = parts[3]
        self._partial[which] = stream

    def _serve_clean(self, command: bytes) -> None:
        answer = self._clean(command)
        if answer is None:
            before = os.getcwd()
            os.chdir(self.home / "queue")
            try:
                answer = qmail_clean.carry_out(self._places, command)
            finally:
                os.chdir(before)
        try:
            os.write(self.says[CLEAN], answer)
        except BrokenPipeError:
            pass  # it was killed before it could hear

    def until(self, what: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < deadline, f"waited in vain for {name}; log:\n{self.log.decode()}"
            self._turn()

    def until_log(self, line: bytes, count: int = 1) -> None:
        """Until the log has this in it so many times, and its line is whole."""
        self.until(
            lambda: self.log.count(line) >= count and self.log.endswith(b"\n"),
            f"{count} of {line!r}",
        )

    def command(self, channel: int) -> Command:
        """The next delivery that is ordered there."""
        self.until(lambda: bool(self._commands[channel]), f"a command on channel {channel}")
        return self._commands[channel].pop(0)

    def is_quiet(self) -> bool:
        """Whether no delivery is ordered that nobody took."""
        return not any(self._commands)

    def report(self, channel: int, command: Command, text: bytes) -> None:
        """Say how it ended, and wait until the log says so too."""
        seen = len(self.log)
        os.write(self.says[channel], b"%c%s\0" % (command.slot, text))

        self.until(lambda: bool(_TOLD.search(self.log[seen:])), "the delivery's end")

    def deliver(self, channel: int, text: bytes) -> Command:
        command = self.command(channel)
        self.report(channel, command, text)
        return command

    def hang_up(self, channel: int) -> None:
        """That one has died."""
        os.close(self.says[channel])
        self.says[channel] = -1

    def kill(self, signum: int) -> None:
        """While it sleeps, and what the test does next comes after it was taken.

        The C program looks at what signals asked for, and then sleeps: one between the two waits for the sleep's end.
        """
        if signum == signal.SIGKILL:
            os.kill(self.pid, signum)
            return
        self.until(self._sleeps, "its sleep")
        os.kill(self.pid, signum)
        self.until(self._sleeps, "its next sleep, or its end")

    def _sleeps(self) -> bool:
        """Or has ended."""
        return processes.state(self.pid) in "SZX"

    def pull(self) -> None:
        spool.pull_trigger(os.fsencode(self.home / "queue"))

    def is_gone(self) -> bool:
        """Whether it has ended, by whatever."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def end(self, signum: int | None = signal.SIGTERM) -> int:
        """Wait for its end. Its exit status, or minus the signal."""
        if signum is not None:
            self.kill(signum)

        self.until(self.is_gone, "its end")
        self.until(lambda: self._log not in self._open, "the end of its log")
        assert self.status is not None
        return self.status


def _forked(body: Callable[[], int], environ: Mapping[str, str], descriptors: list[int]) -> int:
    pid = os.fork()
    if not pid:
        status = 1
        try:
            for place, descriptor in enumerate(descriptors):
                os.dup2(descriptor, place)
            os.closerange(len(descriptors), 256)
            os.environ.clear()
            os.environ.update(environ)
            status = body()
        finally:
            os._exit(status)
    return pid


def queue_message(
    home: Path,
    recipients: list[bytes],
    sender: bytes = b"me@sender.example",
    message: bytes = b"Subject: hello\n\nhello\n",
) -> int:
    """Put a message into the queue as qmail-queue does, without pulling the trigger: its number."""
    draft = spool.Draft(os.fsencode(home / "queue"))
    draft.open(os.getpid(), int(time.time()))
    draft.write(message)
    start = draft.begin_envelope(1000, 77)
    draft.write(start + b"F%s\0" % sender + b"".join([b"T%s\0" % each for each in recipients]))
    draft.commit()
    draft.close()
    return draft.number


def named(text: bytes, numbers: list[int]) -> bytes:
    """A log or a path with the messages' numbers, process ids and dates named."""
    for index, number in enumerate(numbers):
        text = re.sub(rb"\b%d/%d\b" % (number % spool.SPLIT, number), b"D/M%d" % index, text)
        # Nowhere else: it may be a small number, and also a size or a user's.
        text = re.sub(rb"(?<=msg )%d\b|(?<=/)%d\b" % (number, number), b"M%d" % index, text)
    return _DATE.sub(b"Date: D\n", _QP.sub(b"qp P", text))
