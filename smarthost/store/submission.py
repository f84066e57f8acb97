"""How is a message handed to the queue program? The other end of qmail-queue (qmail.c).

Where that is our own qmail-queue, this process does what it would do (queueing.py). Else the message goes to its descriptor 0, then the envelope to its 1, as they come: nothing is held but
a block. The program commits only when it sees the zero byte that ends the envelope, so whoever gives
up before it has queued nothing.
"""

from __future__ import annotations

import errno
import os

from smarthost.formats import envelope, launcher
from smarthost.policy import replies
from smarthost.store.home import qmail_home
from smarthost.unix import environment, errtext, files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    from smarthost.store.queueing import OwnQueueing

    # Starts the queue program with these as its 0, 1 and 6. Answers its pid and how to wait for it:
    # its exit status, or minus the signal, or ChildProcessError. Raises OSError: EAGAIN and ENOMEM if
    # there can be no process, any other if there is no such program.
    Start = Callable[[int, int, int], tuple[int, Callable[[], int]]]

QUEUE_PROGRAM: Final = b"bin/qmail-queue"
WORDS_DESCRIPTOR: Final = 6

OWN_MODULE: Final = "smarthost.programs.qmail.qmail_queue"

# Recipients are gathered to blocks: as much as a pipe takes at once.
GATHERED: Final = files.BLOCK

_NO_PROCESS: Final = (errno.EAGAIN, errno.ENOMEM)


def queue_program() -> bytes:
    """$QMAILQUEUE, else bin/qmail-queue, seen from the home."""
    named = os.environb.get(b"QMAILQUEUE")
    return QUEUE_PROGRAM if named is None else named


def begin() -> Submission | OwnQueueing:
    """Hand over a message. This directory is the home. Raises OSError as `Submission`."""
    program = queue_program()
    if not _is_own(program) or not _is_ours(qmail_home(launcher=os.path.abspath(program))):
        return Submission()
    from smarthost.store.queueing import OwnQueueing  # noqa: PLC0415  another queue program needs none of it

    return OwnQueueing(qmail_home(launcher=os.path.abspath(program)))


def _is_ours(home: bytes) -> bool:
    """Whether the queue belongs to who we are: if not, qmail-queue has ways that are not for this process."""
    try:
        return os.stat(home + b"/queue/pid").st_uid == os.geteuid()
    except OSError as error:
        return not isinstance(error, PermissionError)


def _is_own(program: bytes) -> bool:
    """Whether this file is our qmail-queue, looked at anew for each message: it may be replaced at any time."""
    try:
        if not os.access(program, os.X_OK):
            return False
        descriptor = files.open_read(program)
        try:
            text = os.read(descriptor, launcher.SIZE)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):  # whatever it is, to start it will tell
        return False
    return launcher.module_named_in(text) == OWN_MODULE


def start_program(message: int, addresses: int, words: int) -> tuple[int, Callable[[], int]]:
    """Start the queue program. This directory is the home."""
    environment.undo_python()
    program = queue_program()
    pid = process.spawn(
        program, [program], environment.current(), {0: message, 1: addresses, WORDS_DESCRIPTOR: words}
    )
    return pid, lambda: process.wait(pid)


class Submission:
    """One message on its way. Message first, then sender, then recipients, then `finish` or `abandon`.

    A write that fails is not the end: what the program then exits with says why.
    """

    __slots__ = ("_addresses", "_gathered", "_message", "_wait", "_words", "pid", "whole")

    def __init__(self, start: Start = start_program) -> None:
        """Raises OSError if there are no descriptors or no process to be had."""
        self.whole = True
        self._gathered = bytearray()
        opened: list[int] = []
        try:
            for _ in range(3):
                opened += os.pipe()
            message, self._message, addresses, self._addresses, self._words, words = opened
            try:
                # 0 if there is no such program: the client has sent a message to be told so.
                self.pid, self._wait = start(message, addresses, words)
            except OSError as error:
                if error.errno in _NO_PROCESS:
                    raise
                self.pid = 0
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        for descriptor in (message, addresses, words):
            os.close(descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """More of the message."""
        self._put(self._message, data)

    def sender(self, address: bytes) -> None:
        self._message = _closed(self._message)
        self._gathered += envelope.sender(address)

    def recipient(self, address: bytes) -> None:
        self._gathered += envelope.recipient(address)
        if len(self._gathered) >= GATHERED:
            self._flush()

    def refuse(self) -> None:
        """Whatever comes now, the message will not be queued."""
        self.whole = False

    def finish(self) -> bytes | None:
        """End the envelope, and wait for the program's end: the reply if it failed, None if it is queued."""
        self._gathered += envelope.END
        self._flush()
        self._message = _closed(self._message)
        self._addresses = _closed(self._addresses)
        words = b""
        while len(words) <= replies.WORDS_LIMIT and (piece := os.read(self._words, replies.WORDS_LIMIT + 1)):
            words += piece
        self._words = _closed(self._words)
        if not self.pid:
            return replies.REPLIES[replies.NOT_STARTED]
        try:
            ended = self._wait()
        except ChildProcessError:
            return replies.LOST
        return replies.failure(ended, words, whole=self.whole)

    def abandon(self) -> None:
        """Close what is open. The program sees an envelope without an end; it is not waited for."""
        self._message = _closed(self._message)
        self._addresses = _closed(self._addresses)
        self._words = _closed(self._words)

    def _flush(self) -> None:
        self._put(self._addresses, self._gathered)
        self._gathered.clear()

    def _put(self, descriptor: int, data: bytes | bytearray | memoryview) -> None:
        if self.whole:
            try:
                files.write_all(descriptor, data)
            except OSError:
                self.whole = False


class Unreadable(Exception):
    """The message could not be read to its end; `reason` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.reason: Final = errtext.reason(error)


def pass_on(
    home: bytes, head: bytes, message: int, sender: bytes, recipients: Iterable[bytes]
) -> tuple[int, bytes | None]:
    """Queue `head` and what is to be read from `message`, from home, which this process enters.

    The queue program's pid, and its reply if it failed. Raises OSError if there can be no process for it,
    and Unreadable.
    """
    try:
        os.chdir(home)
    except OSError:
        return 0, replies.REPLIES[replies.NO_HOME]
    submission = begin()
    try:
        submission.write(head)
        try:
            for block in files.blocks(message):
                submission.write(block)
        except OSError as error:
            raise Unreadable(error) from error
        submission.sender(sender)
        for recipient in recipients:
            submission.recipient(recipient)
        return submission.pid, submission.finish()
    finally:
        submission.abandon()


def _closed(descriptor: int) -> int:
    """Close it if it is open. What stands for it from now on."""
    if descriptor >= 0:
        os.close(descriptor)
    return -1
