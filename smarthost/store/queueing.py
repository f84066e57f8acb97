"""What does qmail-queue do with a message? A line above it, then into the queue (spool.py), step by step.

qmail-queue does it with what comes on its descriptors. A program that would start qmail-queue, and finds that
it is ours, does it in its own process: that spares a process, three pipes and a copy for each message.
"""

from __future__ import annotations

import os
from time import time

from smarthost.errors import FormatError
from smarthost.formats import envelope, received
from smarthost.policy import replies
from smarthost.store import spool
from smarthost.unix import files, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.policy import nullclient


# Who has this file has nullmailer's control files, too.
NULL_CLIENT: Final = b"/control/remotes"

# For the queue's files; others than its user may read them.
UMASK: Final = 0o033

# Recipients are gathered to blocks.
GATHERED: Final = files.BLOCK

# How a message came, by the account that brings it.
INVOKED: Final = {b"alias": b"by alias", b"qmaild": b"from network", b"qmails": b"for bounce"}


class Queueing:
    """One message on its way into the queue of a home.

    >>> begin(home); message(...) ...; complete(); envelope(...) ...; commit()

    Each of these is done by `attempt`, which answers what qmail-queue exits with; after a failure there is
    nothing left to do. The umask has to be UMASK, and the queue is this process's directory from `begin` on.
    """

    __slots__ = ("_checker", "_draft", "_head", "_pid", "_rewriter", "_uid")

    def __init__(self) -> None:
        self._pid, self._uid = os.getpid(), os.getuid()
        self._draft = spool.Draft(b".")
        self._checker = envelope.EnvelopeChecker()
        # What comes before the first bytes of the message, then of the envelope.
        self._head = b""
        self._rewriter: nullclient.Stream | None = None

    def attempt(self, step: Callable[..., None], *given: bytes | memoryview) -> int:
        """Do a step. If it fails, what there is is taken back, unless the link is made."""
        try:
            step(*given)
        except spool.Failed as failed:
            status = failed.status
        except envelope.AddressTooLong:
            status = replies.ADDRESS_TOO_LONG
        except FormatError:
            status = replies.BAD_ENVELOPE
        except MemoryError:
            status = replies.OUT_OF_MEMORY
        except Exception:  # noqa: BLE001  a mistake of our own has its status, and must not leave half a message
            status = replies.BUG
        else:
            return replies.QUEUED
        self.take_back()
        return status

    def begin(self, home: bytes) -> None:
        """Find the queue, and give the message its number."""
        try:
            if os.path.exists(home + NULL_CLIENT):
                from smarthost.store import rewriting  # noqa: PLC0415  a smart host needs none of it

                self._rewriter = rewriting.of_home(home)
        except OSError:
            raise spool.Failed(replies.NO_QUEUE) from None
        try:
            os.chdir(home + b"/queue")
        except OSError:
            raise spool.Failed(_missing(home)) from None
        seconds = int(time())
        self._head = received.by_queue(self._pid, _invoked(self._uid), seconds)
        self._draft.open(self._pid, seconds)

    def message(self, data: bytes) -> None:
        """More of it."""
        if self._head:
            data = self._head + data
            self._head = b""
        self._draft.write(data)

    def complete(self) -> None:
        """The message is complete: sync it, and begin the envelope."""
        if self._head:
            self._draft.write(self._head)
        self._head = self._draft.begin_envelope(self._uid, self._pid)

    @property
    def done(self) -> bool:
        """Whether the envelope is complete too."""
        return self._checker.done

    def envelope(self, data: bytes) -> None:
        """More of it, until `done`."""
        records = self._checker.feed(data)
        if self._rewriter is not None:
            records = self._rewriter.feed(records)
        self._draft.write(self._head + records)
        self._head = b""

    def commit(self) -> None:
        """Queue it, and wake qmail-send."""
        self._draft.commit()
        self._draft.close()
        spool.pull_trigger(b".")

    def take_back(self) -> None:
        self._draft.close()
        self._draft.take_back()

    def close(self) -> None:
        """Let go of it, as it is."""
        self._draft.close()


class OwnQueueing:
    """What submission.Submission is, where the queue program is our qmail-queue: this process does what it would do."""

    __slots__ = ("_gathered", "_open", "_queueing", "_status", "_umask", "pid")

    def __init__(self, home: bytes) -> None:
        self.pid = os.getpid()
        self._gathered = bytearray()
        self._open = True
        self._umask = os.umask(UMASK)
        self._queueing = Queueing()
        self._status = replies.QUEUED
        try:
            self._do(self._queueing.begin, home)
        except BaseException:
            self.abandon()
            raise

    def write(self, data: bytes | memoryview) -> None:
        """More of the message."""
        self._do(self._queueing.message, data)

    def sender(self, address: bytes) -> None:
        self._do(self._queueing.complete)
        self._gathered += envelope.sender(address)

    def recipient(self, address: bytes) -> None:
        self._gathered += envelope.recipient(address)
        if len(self._gathered) >= GATHERED:
            self._flush()

    def refuse(self) -> None:
        """Whatever comes now, the message will not be queued."""
        if self._status == replies.QUEUED:
            self._status = replies.READ_ERROR  # as if the envelope had no end
            self._queueing.take_back()

    def finish(self) -> bytes | None:
        """Queue it: the reply if that failed, None if it is queued."""
        self._gathered += envelope.END
        self._flush()
        self._do(self._queueing.commit)
        self._end()
        return replies.failure(self._status)

    def abandon(self) -> None:
        """Take back what there is, if it is not finished."""
        if self._open:
            try:
                self._queueing.take_back()
            finally:
                self._end()

    def _flush(self) -> None:
        self._do(self._queueing.envelope, bytes(self._gathered))
        self._gathered.clear()

    def _do(self, step: Callable[..., None], *given: bytes | memoryview) -> None:
        if self._status == replies.QUEUED:
            self._status = self._queueing.attempt(step, *given)

    def _end(self) -> None:
        self._open = False
        self._queueing.close()
        os.umask(self._umask)


def _missing(home: bytes) -> int:
    """Why its queue cannot be entered."""
    try:
        os.chdir(home)
    except OSError:
        return replies.NO_HOME
    return replies.NO_QUEUE


def _invoked(uid: int) -> bytes:
    return INVOKED.get(identity.name_of(uid) or b"", b"by uid %d" % uid)
