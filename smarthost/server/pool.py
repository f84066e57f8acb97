"""The workers that a server has in stock."""

from __future__ import annotations

from smarthost.server.workers import Origin, fork_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from smarthost.launch import Own
    from smarthost.server.slate import Memory
    from smarthost.server.workers import Serve, Worker
    from smarthost.unix.signals import Handlers

# Processes that nobody needs are gone within a second.
IDLE_SECONDS: Final = 0.9


class Pool:
    """The workers of one server that wait.

    program  what they are processes of
    serve    runs in a worker: (program, job, descriptors), to an exit status
    keep     descriptors that are theirs too
    before   what the signals did that the server took
    memory   what they are set back to
    """

    def __init__(
        self,
        program: Own,
        serve: Serve,
        keep: Iterable[int],
        before: Handlers,
        memory: Memory,
    ) -> None:
        self._program = program
        self._serve = serve
        self._keep = set(keep)
        self._origin = Origin(before, memory)
        self._idle: list[Worker] = []

    def idle(self) -> Worker | None:
        """One that waits, the last to have worked first."""
        return self._idle.pop() if self._idle else None

    def make(self) -> Worker:
        """A new one. Raises OSError."""
        return fork_worker(self._program, self._serve, self._keep, self._origin)

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
