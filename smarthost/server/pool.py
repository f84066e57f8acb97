"""The workers that a server has in stock, and the partner that a worker may have."""

from __future__ import annotations

import errno
import marshal
import os

from smarthost.server.slate import Memory
from smarthost.server.workers import Origin, fork_worker
from smarthost.unix import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from smarthost.launch import Own
    from smarthost.server.workers import Serve, Worker
    from smarthost.unix.signals import Handlers

# Processes that nobody needs are gone within a second.
IDLE_SECONDS: Final = 0.9

# Where a queue program has its message, its envelope, and where it puts words for the client.
PARTNER_PLACES: Final = (0, 1, 6)


class Pool:
    """The workers of one server that wait.

    program  what they are processes of
    serve    runs in a worker: (job, descriptors, partner or None), to an exit status
    keep     descriptors that are theirs too
    before   what the signals did that the server took
    """

    def __init__(self, program: Own, serve: Serve, keep: Iterable[int], before: Handlers) -> None:
        self._program = program
        self._partner = program.partner()
        self._serve = serve
        self._keep = set(keep)
        self._origin = Origin(before, Memory())  # everything is loaded now
        self._idle: list[Worker] = []

    def take(self) -> Worker:
        """One that waits, the last to have worked first, else a new one. Raises OSError."""
        if self._idle:
            return self._idle.pop()
        if self._partner is None:
            return fork_worker(self._program, self._serve, self._keep, self._origin)
        keep = self._keep - set(PARTNER_PLACES)
        partner = Partner(self._partner, fork_worker(self._partner, _serve_as_partner, keep, self._origin))
        try:
            return fork_worker(self._program, self._serve, self._keep, self._origin, partner)
        finally:
            partner.close()

    def put_back(self, worker: Worker, now: float) -> None:
        worker.idle_since = now
        self._idle.append(worker)

    def remove(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)

    def expired(self, now: float) -> list[Worker]:
        """Who waited too long."""
        return [worker for worker in self._idle if now - worker.idle_since >= IDLE_SECONDS]

    @property
    def next_expiry(self) -> float:
        """When there will be one, 0 for never."""
        return self._idle[0].idle_since + IDLE_SECONDS if self._idle else 0.0


class Partner:
    """A worker's own worker: the program that it starts each time, already there."""

    def __init__(self, program: Own, worker: Worker) -> None:
        self.program = program
        self._worker = worker
        worker.channel.setblocking(True)

    @property
    def pid(self) -> int:
        return self._worker.pid

    def fileno(self) -> int:
        return self._worker.channel.fileno()

    def close(self) -> None:
        self._worker.channel.close()

    def is_gone(self) -> bool:
        return not self._worker.serving and self._worker.is_gone()

    def is_ready(self) -> bool:
        """Whether it lives, and its program is still the file that it was made from."""
        if self._worker.serving:  # nobody asked how the last one ended
            try:
                self.wait()
            except ChildProcessError:
                return False
        return not self._worker.is_gone() and self.program.is_current()

    def start(self, *descriptors: int) -> None:
        """Give it this process's environment and directory, and these as its 0, 1 and 6. Raises OSError."""
        self._worker.give(marshal.dumps((environment.current(), os.getcwdb())), *descriptors)

    def wait(self) -> int:
        """Its exit status, or minus the signal. Raises ChildProcessError if it died."""
        try:
            report = self._worker.report()
        except EOFError:
            report = None
        self._worker.serving = False
        if report is None:
            raise ChildProcessError(errno.ECHILD, "the partner is gone")
        return os.waitstatus_to_exitcode(report[0])


def _serve_as_partner(program: Own, job: Any, descriptors: list[int], _: Partner | None) -> int:
    variables, directory = job
    for descriptor, place in zip(descriptors, PARTNER_PLACES, strict=True):
        os.dup2(descriptor, place)  # what may lie there came before it in this list
    for descriptor in set(descriptors) - set(PARTNER_PLACES):
        os.close(descriptor)
    environment.replace(variables)
    os.chdir(directory)
    return program.run()
