"""Workers for the deliveries of a spawner: a process that has made one for a user makes that user's next.

A worker takes on its user when it is made and is set back after each delivery (slate.py), so that it could as
well be a new process. Spare ones wait for a moment. To have somebody wait pays where deliveries come one after
the other; a user who gets one now and then gets a process that ends with it.
"""

from __future__ import annotations

import marshal
import os
import time

from smarthost.server.pool import IDLE_SECONDS, Pool
from smarthost.server.slate import Memory
from smarthost.server.workers import JOB_SIZE
from smarthost.unix import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from smarthost.launch import Own
    from smarthost.server.workers import Worker

# More than addresses and paths have, and less than a job may.
WORDS_LIMIT: Final = JOB_SIZE // 2

# Of so many users it is known when they last had a delivery.
REMEMBERED: Final = 1000


class AsUser:
    """A program of this installation as a user runs it: what a worker is a process of.

    become  takes the user on, in the worker; what it answers ends the worker, None lets it begin
    """

    def __init__(self, program: Own, become: Callable[[], int | None]) -> None:
        self._program = program
        self._become = become

    def settle(self) -> None:
        status = self._become()
        if status is not None:
            os._exit(status)
        os.chdir(b"/")  # where it is set back to: its user may go there
        self._program.settle()

    def run_with(self, arguments: Sequence[bytes]) -> int:
        return self._program.run_with(arguments)


class Crew:
    """The workers of one spawner. Made when everything is loaded."""

    def __init__(self, *programs: Own | None, always: bool) -> None:
        """`always`: there is but one user, for whom it always pays. Without a program it never does."""
        modules = [module for program in programs if program is not None for module in program.modules]
        self._always = always
        self._memory = Memory(modules) if modules else None
        self._environment = environment.current()
        self._pools: dict[Any, Pool] = {}
        self._pool_of: dict[int, tuple[Worker, Pool]] = {}  # by pid
        self._last: dict[Any, float] = {}

    def pays(self, user: Any, arguments: Sequence[bytes]) -> bool:
        """Whether a worker is worth while for this delivery, which is made now."""
        now = time.monotonic()
        before = self._last.pop(user, None)
        self._last[user] = now
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        frequent = self._always or (before is not None and now - before < IDLE_SECONDS)
        return self._memory is not None and frequent and sum(map(len, arguments)) <= WORDS_LIMIT

    def begin(
        self, user: Any, program: AsUser, message: int | None, output: int, arguments: Sequence[bytes]
    ) -> Worker:
        """Have a worker of this user run the program with these words. Raises OSError.

        Without a message its output is an answer to this program, and what it says besides goes to our 2.
        """
        pool = self._pools.get(user)
        if pool is None:
            assert self._memory is not None
            pool = self._pools[user] = Pool(program, self._serve, (), (), self._memory)  # type: ignore[arg-type]
        while True:
            worker = pool.idle() or pool.make()
            known = worker.pid in self._pool_of
            self._pool_of[worker.pid] = worker, pool
            if not known or not worker.is_gone():
                break
            self.dismiss(worker)
        try:
            worker.give(marshal.dumps(list(arguments)), *([] if message is None else [message]), output)
        except BaseException:
            self.dismiss(worker)
            raise
        return worker

    def put_back(self, worker: Worker) -> None:
        """It has finished, and may do more."""
        self._pool_of[worker.pid][1].put_back(worker, time.monotonic())

    def dismiss(self, worker: Worker) -> None:
        """Let it go. Whoever waits for children waits for it."""
        _, pool = self._pool_of.pop(worker.pid)
        pool.remove(worker)
        worker.channel.close()

    def ended(self, pid: int) -> None:
        """A process that was waited for: was it a spare worker?"""
        if pid in self._pool_of:
            self.dismiss(self._pool_of[pid][0])

    def expire(self) -> float | None:
        """Let those go who waited too long: seconds until the next one will have, None for never."""
        now = time.monotonic()
        waits = []
        for user, pool in list(self._pools.items()):
            for worker in pool.expired(now):
                self.dismiss(worker)
            if pool.next_expiry:
                waits.append(pool.next_expiry - now)
            elif not any(of is pool for _, of in self._pool_of.values()):
                del self._pools[user]
        return max(min(waits), 0.0) if waits else None

    def close(self) -> None:
        """Let everybody go."""
        for worker, _ in list(self._pool_of.values()):
            self.dismiss(worker)

    def _serve(self, program: Own, job: list[bytes], descriptors: list[int]) -> int:
        """In a worker: one delivery, or one answer."""
        *messages, output = descriptors
        for message in messages:
            os.dup2(message, 0)
            os.dup2(output, 2)
        os.dup2(output, 1)
        for descriptor in descriptors:
            os.close(descriptor)
        environment.replace(self._environment)
        return program.run_with(job)
