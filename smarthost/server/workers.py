"""Warm workers: processes of a program of this installation, forked once, used for many connections.

A worker is one process that serves one connection at a time and is wiped (slate) before the
next. The server knows its pid before it starts, so log lines keep their order; what a worker reports
at the end of a connection is the exit status that a process of its own would have had.

    server  ── job: marshalled (connection, verdict or None), the socket beside it ──>  worker
    server  <── wait status (4 bytes), 1 byte: may it be used again ──────────────────  worker

A worker lives until its server closes the channel, or until it cannot be wiped.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
from _socket import CMSG_SPACE, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET

from smarthost.server.slate import Slate
from smarthost.unix import fds, process, signals, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable, Iterable
    from typing import Any, Final

# As Postfix's max_use: whatever a library may hoard, it is given back now and then.
USES_LIMIT: Final = 1000
# Processes that nobody needs are gone within a second.
IDLE_SECONDS: Final = 0.9
JOB_SIZE: Final = 65536
STATUS_SIZE: Final = 4
# A descriptor as the kernel writes it into ancillary data: a C int.
RIGHTS_SIZE: Final = 4


class Worker:
    """The server's side of one worker."""

    __slots__ = ("channel", "idle_since", "pid", "serving", "uses")

    def __init__(self, pid: int, channel: socket) -> None:
        self.pid = pid
        self.channel = channel
        self.uses = 0
        self.serving = False
        self.idle_since = 0.0

    def give(self, job: bytes, descriptor: int) -> None:
        """Hand over a connection. If the worker has just died, that is how the connection's process ended."""
        self.uses += 1
        self.serving = True
        rights = descriptor.to_bytes(RIGHTS_SIZE, sys.byteorder)
        try:
            self.channel.sendmsg([job], [(SOL_SOCKET, SCM_RIGHTS, rights)])
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise

    def report(self) -> tuple[int, bool] | None:
        """The wait status of the connection that ended, and whether the worker may be used again.

        None if there is no report. Raises EOFError if the worker is gone.
        """
        try:
            report = self.channel.recv(STATUS_SIZE + 1)
        except BlockingIOError:
            return None
        except OSError:
            report = b""
        if len(report) != STATUS_SIZE + 1:
            raise EOFError
        self.serving = False
        again = report[STATUS_SIZE] == 1 and self.uses < USES_LIMIT
        return int.from_bytes(report[:STATUS_SIZE], "big"), again

    def last_words(self, wait_status: int) -> int:
        """How the connection of a dead worker ended: as it still reported, else as the worker did."""
        try:
            report = self.report()
        except EOFError:
            return wait_status
        return report[0] if report else wait_status


class Pool:
    """The workers of one server that wait. `serve(descriptor, job)` runs in a worker: an exit status."""

    def __init__(self, serve: Callable[[int, Any], int], keep: Iterable[int]) -> None:
        self._serve = serve
        self._keep = set(keep)
        self._idle: list[Worker] = []

    def take(self) -> Worker:
        """One that waits, the last to have worked first, else a new one. Raises OSError."""
        if self._idle:
            return self._idle.pop()
        ours, theirs = sockets.pair(SOCK_SEQPACKET)
        try:
            pid = process.fork_child(lambda: _live(theirs, self._serve, self._keep))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return Worker(pid, ours)

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


def _live(channel: socket, serve: Callable[[int, Any], int], keep: set[int]) -> int:
    """A worker's life."""
    signals.as_after_start()
    fds.Others({*keep, 0, 1, 2, channel.fileno()}).close()
    quiet = os.open(b"/dev/null", os.O_RDWR | os.O_CLOEXEC)
    fds.duplicate_to_standard(quiet)
    slate = Slate({*keep, channel.fileno(), quiet})
    while True:
        job, ancillary, _, _ = channel.recvmsg(JOB_SIZE, CMSG_SPACE(RIGHTS_SIZE))
        if not job:
            return 0
        descriptor = int.from_bytes(ancillary[0][2], sys.byteorder)
        status = serve(descriptor, marshal.loads(job))  # noqa: S302  from the process that forked this one
        # The client sees the end before the log does.
        fds.duplicate_to_standard(quiet)
        again = slate.wipe()
        try:
            channel.send((status << 8).to_bytes(STATUS_SIZE, "big") + bytes((again,)))
        except OSError:
            return 0
        if not again:
            return 0
