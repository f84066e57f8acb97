"""The part of a UCSPI server that does not know what it listens on: the cap and the children.

One loop waits for clients, for children that ended and for workers that finished. It decides by
itself what needs no lookup, so that a denied client costs no process; the log shows such a client
under the server's own pid. Everything that may take time happens in the child, which begins in one
of three ways:

warm   the program is one of this installation's: a worker that is there already (workers.py)
spawn  vfork, half the cost of a fork: where no line of the log must come before the program's
fork   as the originals do: the child writes its lines, looks names up, and becomes the program
"""

from __future__ import annotations

import errno
import gc
import marshal
import os
import select
import time

from smarthost import launch
from smarthost.errors import Temporary
from smarthost.server.child import Reception
from smarthost.server.pool import Pool
from smarthost.server.slate import Memory
from smarthost.server.termination import Terminated, terminate
from smarthost.server.verdicts import Verdict
from smarthost.server.workers import JOB_SIZE
from smarthost.unix import errtext, fds, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, NoReturn

    from smarthost.launch import Own
    from smarthost.server.child import Connection, Front
    from smarthost.server.journal import Journal
    from smarthost.server.workers import Worker
    from smarthost.unix.signals import Handlers

# How many clients are taken before ended children get their turn.
BATCH: Final = 64
NEWS_SIZE: Final = 65536
# Without descriptors or memory for one more client, wait for somebody to end.
SHORTAGE_PAUSE: Final = 1.0
SCARCE_DESCRIPTORS: Final = frozenset((errno.EMFILE, errno.ENFILE))
SHORTAGES: Final = SCARCE_DESCRIPTORS | {errno.ENOBUFS, errno.ENOMEM}
# Why a vfork may fail, whatever the program.
NO_CHILD: Final = SCARCE_DESCRIPTORS | {errno.EAGAIN, errno.ENOMEM}


def _wake(*_: object) -> None:
    """The byte in the wakeup pipe says it all."""


class Engine:
    """A server.

    own        the program, if it is one of ours; None to start it by exec
    limit      how many clients at once
    inherited  the descriptors that were there before it, and are its children's too
    before     the signals, besides SIGCHLD and SIGTERM, that its program took, and what they did
    """

    def __init__(
        self,
        front: Front,
        journal: Journal,
        argv: Sequence[bytes],
        own: Own | None,
        *,
        limit: int,
        inherited: list[int],
        before: Handlers = (),
    ) -> None:
        self._front = front
        self._journal = journal
        self._argv = argv
        self._own = own
        self._limit = limit
        self._inherited = inherited
        self._before = before
        self._count = 0
        self._done_with: list[int] = []  # descriptors to close once the log has the lines
        self._children: set[int] = set()
        self._workers: dict[int, Worker] = {}  # by pid
        self._hearing: dict[int, Worker] = {}  # by descriptor
        self._accept_again = 0.0

    def serve(self) -> int:
        """Until SIGTERM; then 0, at once. Children live on."""
        self._news, tell = map(fds.high, os.pipe2(os.O_NONBLOCK))
        self._reception = Reception(self._front, self._journal, tell, self._before)
        self._pool = None
        if self._own is not None:
            memory = Memory(self._own.modules)  # everything is loaded now
            self._pool = Pool(self._own, self._work, [*self._inherited, tell], self._before, memory)
        try:
            self._loop()
        except Terminated:
            return 0

    def _loop(self) -> NoReturn:
        woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signals.ignore(signals.SIGPIPE)
        signals.catch(signals.SIGTERM, terminate)
        signals.catch(signals.SIGCHLD, _wake)
        signals.wake_by(wake)
        signals.unblock([signals.SIGCHLD])
        listener = self._front.fileno()
        self._poll = select.epoll()
        for descriptor in (woken, self._news):
            self._poll.register(descriptor, select.EPOLLIN)
        self._poll.register(listener, 0)
        listening = False
        # What lives until the end is not looked at again: a collection in a child would copy every page.
        gc.collect()
        gc.freeze()
        self._journal.status(self._count, self._limit)
        terminate.breaks_off = True
        while True:
            if terminate.came:
                raise Terminated
            self._release()
            wanted = self._count < self._limit and not self._accept_again
            if wanted != listening:
                listening = wanted
                self._poll.modify(listener, select.EPOLLIN if wanted else 0)
            for descriptor, _ in self._poll.poll(self._patience()):
                if descriptor == listener:
                    self._accept()
                elif descriptor == woken:
                    os.read(woken, NEWS_SIZE)
                    self._reap()
                elif descriptor == self._news:
                    self._front.learn(os.read(self._news, NEWS_SIZE))
                elif descriptor in self._hearing:
                    self._hear(self._hearing[descriptor])
            self._expire()

    def _patience(self) -> float:
        """Seconds until `_expire` has something to do, -1 for never."""
        now = time.monotonic()
        waits = [self._accept_again - now] if self._accept_again else []
        if self._pool and self._pool.next_expiry:
            waits.append(self._pool.next_expiry - now)
        return max(min(waits), 0) if waits else -1

    def _expire(self) -> None:
        now = time.monotonic()
        if self._accept_again and now >= self._accept_again:
            self._accept_again = 0.0
        if self._pool:
            for worker in self._pool.expired(now):
                self._dismiss(worker)

    def _accept(self) -> None:
        for _ in range(min(BATCH, self._limit - self._count)):
            try:
                connection = self._front.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    if not self._done_with:  # else there will be room at once
                        self._accept_again = time.monotonic() + SHORTAGE_PAUSE
                    return
                continue
            self._count += 1
            self._journal.status(self._count, self._limit)
            try:
                self._start(connection)
            except Temporary as error:
                self._refuse(os.fsencode(str(error)))
            except OSError as error:
                self._refuse(b"unable to fork: " + errtext.reason(error).encode())
            self._done_with.append(connection.descriptor)

    def _release(self) -> None:
        """Let go of clients, who must not learn of it before the log does."""
        self._journal.flush()
        for descriptor in self._done_with:
            os.close(descriptor)
        self._done_with.clear()

    def _start(self, connection: Connection) -> None:
        verdict = self._front.judge_early(connection)
        if verdict is not None and verdict.status:
            pid = os.getpid()
            self._journal.pid(pid, connection)
            verdict.log(self._journal, pid)
            self._end(pid, verdict.status << 8)
        elif self._pool is not None and self._own is not None and self._own.is_current():
            try:
                worker = self._pool.idle() or self._new_worker(self._pool)
            except OSError as error:
                if error.errno not in SCARCE_DESCRIPTORS:
                    raise
                self._start_without_worker(connection)
            else:
                self._start_warm(worker, connection, verdict)
        elif verdict is not None:
            self._start_foreign(connection, verdict)
        else:
            self._release()
            self._children.add(process.fork_child(lambda: self._reception.become(self._argv, connection)))

    def _start_foreign(self, connection: Connection, verdict: Verdict) -> None:
        """Start somebody else's program, for a client whom this process could judge."""
        self._release()
        self._front.greet(connection)
        environ = self._reception.changed(verdict.environment)
        if not self._journal.verbose and self._front.pid_variable is None:
            try:
                self._children.add(launch.spawn(self._argv, environ, connection.descriptor))
            except launch.NotStarted as error:
                if error.number not in NO_CHILD:
                    raise
            else:
                return
        # Our lines come before the program's, and they or it need the pid; or there were no descriptors for the
        # moment of a vfork, or no process, as a fork will tell: no other way.
        self._children.add(
            process.fork_child(
                lambda: self._reception.become_at_once(self._argv, connection, verdict, environ)
            )
        )

    def _refuse(self, reason: bytes) -> None:
        """There is no process for this client."""
        self._journal.drop(reason)
        self._count -= 1
        self._journal.status(self._count, self._limit)

    def _end(self, pid: int, wait_status: int) -> None:
        self._journal.end(pid, wait_status)
        self._count -= 1
        self._journal.status(self._count, self._limit)

    def _reap(self) -> None:
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._children:
                self._children.remove(pid)
                self._end(pid, wait_status)
            elif pid in self._workers:
                worker = self._workers[pid]
                if worker.serving:
                    self._end(pid, worker.last_words(wait_status))
                self._dismiss(worker)

    # warm workers

    def _new_worker(self, pool: Pool) -> Worker:
        self._release()  # it must not have our lines too
        worker = pool.make()
        self._workers[worker.pid] = worker
        self._hearing[worker.channel.fileno()] = worker
        self._poll.register(worker.channel.fileno(), select.EPOLLIN)
        return worker

    def _start_without_worker(self, connection: Connection) -> None:
        """A worker takes a descriptor of ours for as long as it lives; a child that is only waited for takes none."""

        def child() -> int:
            for worker in self._workers.values():
                worker.channel.close()
            return self._reception.become(self._argv, connection)

        self._release()
        self._children.add(process.fork_child(child))

    def _start_warm(self, worker: Worker, connection: Connection, verdict: Verdict | None) -> None:
        judged = verdict.marshallable() if verdict is not None else None
        job = marshal.dumps((connection.facts(), judged))
        if len(job) > JOB_SIZE:
            verdict = None
            job = marshal.dumps((connection.facts(), None))
        self._journal.pid(worker.pid, connection)
        if verdict is not None:
            verdict.log(self._journal, worker.pid)
        self._release()
        worker.give(job, connection.descriptor)

    def _work(self, program: Own, job: Any, descriptors: list[int]) -> int:
        """In a worker: one connection."""
        facts, judged = job
        connection = self._front.restore(descriptors[0], facts)
        verdict = Verdict(*judged) if judged is not None else None
        return self._reception.serve(program.run, connection, verdict)

    def _hear(self, worker: Worker) -> None:
        """A worker finished its client, or is gone."""
        try:
            report = worker.report()
        except EOFError:
            self._deafen(worker)  # _reap will know how it ended
            return
        if report is None:
            return
        wait_status, again = report
        self._end(worker.pid, wait_status)
        if again and self._pool:
            self._pool.put_back(worker, time.monotonic())
        else:
            self._dismiss(worker)

    def _deafen(self, worker: Worker) -> None:
        if self._hearing.pop(worker.channel.fileno(), None):
            self._poll.unregister(worker.channel.fileno())

    def _dismiss(self, worker: Worker) -> None:
        """Let a worker go: it reads the end of its channel, and nobody asks how it ends."""
        del self._workers[worker.pid]
        if self._pool:
            self._pool.remove(worker)
        self._deafen(worker)
        worker.channel.close()
