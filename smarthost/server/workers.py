"""Warm workers: processes of a program of this installation, forked once, used many times.

A worker is one process that does one job at a time and is wiped (slate) before the next. Who gives
it a job knows its pid beforehand, and what it reports at the end is what a process of its own
would have ended with.

    giver  ── job: marshalled, its descriptors beside it ─────────────>  worker
    giver  <── wait status (4 bytes), 1 byte: may it be used again ────  worker

A worker lives until the giver closes the channel, or until it cannot be wiped.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
from _socket import CMSG_SPACE, MSG_DONTWAIT, MSG_PEEK, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET

from smarthost.server.slate import Memory, Slate
from smarthost.unix import fds, process, signals, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Any, Final

    from smarthost.launch import Own
    from smarthost.unix.signals import Handlers

    Serve = Callable[[Own, Any, list[int]], int]

# As Postfix's max_use: whatever a library may hoard, it is given back now and then.
USES_LIMIT: Final = 1000
JOB_SIZE: Final = 65536
STATUS_SIZE: Final = 4
# A descriptor as the kernel writes it into ancillary data: a C int.
RIGHTS_SIZE: Final = 4
# The most descriptors that go with one job.
RIGHTS_LIMIT: Final = 2


class Worker:
    """The giver's side of one worker."""

    __slots__ = ("channel", "idle_since", "pid", "serving", "uses")

    def __init__(self, pid: int, channel: socket) -> None:
        self.pid = pid
        self.channel = channel
        self.uses = 0
        self.serving = False
        self.idle_since = 0.0

    def give(self, job: bytes, *descriptors: int) -> None:
        """Hand over a job. If the worker has just died, that is how the job's process ended."""
        self.uses += 1
        self.serving = True
        rights = b"".join([descriptor.to_bytes(RIGHTS_SIZE, sys.byteorder) for descriptor in descriptors])
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

    def is_gone(self) -> bool:
        """Whether a worker without a job died."""
        try:
            return not self.channel.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def last_words(self, wait_status: int) -> int:
        """How the connection of a dead worker ended: as it still reported, else as the worker did."""
        try:
            report = self.report()
        except EOFError:
            return wait_status
        return report[0] if report else wait_status


class Origin:
    """What a worker starts from: what signals did before the server took them, and our modules as loaded."""

    __slots__ = ("handlers", "memory")

    def __init__(self, handlers: Handlers, memory: Memory) -> None:
        self.handlers = handlers
        self.memory = memory


def fork_worker(program: Own, serve: Serve, keep: set[int], origin: Origin) -> Worker:
    """A new worker. Raises OSError."""
    ours, theirs = sockets.pair(SOCK_SEQPACKET)

    def live() -> int:
        signals.as_after_start(origin.handlers)
        fds.Others({*keep, theirs.fileno(), 0, 1, 2}).close()
        quiet = fds.high(os.open(b"/dev/null", os.O_RDWR | os.O_CLOEXEC))
        fds.duplicate_to_standard(quiet)
        program.settle()
        slate = Slate({*keep, theirs.fileno(), quiet}, origin.memory)

        def work(job: Any, descriptors: list[int]) -> int:
            return serve(program, job, descriptors)

        while _one_job(theirs, work, quiet, slate):
            pass
        return 0

    try:
        pid = process.fork_child(live)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Worker(pid, ours)


def _one_job(channel: socket, work: Callable[[Any, list[int]], int], quiet: int, slate: Slate) -> bool:
    """Wait for a job, do it, report. False if there is none any more, or this process may not do another."""
    job, ancillary, _, _ = channel.recvmsg(JOB_SIZE, CMSG_SPACE(RIGHTS_SIZE * RIGHTS_LIMIT))
    if not job:
        return False
    rights = ancillary[0][2]
    descriptors = [
        int.from_bytes(rights[at : at + RIGHTS_SIZE], sys.byteorder)
        for at in range(0, len(rights), RIGHTS_SIZE)
    ]
    status = work(marshal.loads(job), descriptors)  # noqa: S302  from who forked this process
    # Who waits for the end of the connection sees it before the report.
    fds.duplicate_to_standard(quiet)
    again = slate.wipe()
    try:
        channel.send((status << 8).to_bytes(STATUS_SIZE, "big") + bytes((again,)))
    except OSError:
        return False
    return again
