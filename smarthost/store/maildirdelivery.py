"""A message put into a maildir (maildir(5)): written under tmp/, synced, linked into new/.

The commit point is the sync of new/. The originals count on a file system that makes a name durable
when link() returns. Linux's do not: a power cut seconds later may forget the name, and with it a message
that the queue has let go of. The file under tmp/ needs no such sync: if its name is lost, so it should be.

What fails before the commit is taken back; a reader who was faster than we were has the message then,
and gets it once more.

A name is TIME.MmicrosecondsPpidQnumber.HOST, as https://cr.yp.to/proto/maildir.html has it for processes
that deliver more than one message.
"""

from __future__ import annotations

import os
from time import time_ns

from smarthost.errors import Deferred
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Final, NoReturn

# A delivery that takes longer would be swept up by a reader, who waits for 36 hours.
DAY: Final = 86400
# As the original: so many names are tried.
NAMES: Final = 3

NO_MAILDIR: Final = "Unable to chdir to maildir. (#4.2.1)"
TIMEOUT: Final = "Timeout on maildir delivery. (#4.3.0)"
UNREADABLE: Final = "Unable to read message. (#4.3.0)"
TROUBLE: Final = "Temporary error on maildir delivery. (#4.3.0)"

_MICROSECONDS: Final = 1000
_SECOND: Final = 1000000


class _DayIsOver(Exception):
    pass


def deliver(maildir: bytes, head: bytes, message: int, number: int) -> None:
    """Deliver `head` and then what is to be read from `message`. `number`: how many this process did before.

    This directory stays what it is. Raises Deferred.
    """
    here = os.open(b".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            os.chdir(maildir)
        except OSError as error:
            raise Deferred(TROUBLE if errtext.is_temporary(error) else NO_MAILDIR) from error
        try:
            _deliver(head, message, number)
        except OSError as error:
            raise Deferred(TROUBLE) from error
        finally:
            files.enter(here)
    finally:
        os.close(here)


def _deliver(head: bytes, message: int, number: int) -> None:
    handler = signals.exchange(signals.SIGALRM, _end_of_day)
    name = b""
    try:
        signals.alarm(DAY)
        descriptor, name = _create(number)
        try:
            _fill(descriptor, head, message)
            files.sync(descriptor)
        finally:
            files.close(descriptor)  # a network file system may say only here that there was no room
        signals.alarm(0)
        _publish(name)
    except _DayIsOver:
        raise Deferred(TIMEOUT) from None
    finally:
        signals.alarm(0)
        signals.exchange(signals.SIGALRM, handler)
        if name:
            files.unlink_if_possible(b"tmp/" + name)


def _end_of_day(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise _DayIsOver


def _create(number: int) -> tuple[int, bytes]:
    host = os.fsencode(os.uname().nodename).replace(b"/", b"\\057").replace(b":", b"\\072")
    for attempt in range(NAMES):
        seconds, microseconds = divmod(time_ns() // _MICROSECONDS, _SECOND)
        name = b"%d.M%dP%dQ%d.%b" % (seconds, microseconds, os.getpid(), number + attempt, host)
        try:
            return files.create_exclusive(b"tmp/" + name), name
        except FileExistsError:
            continue
    raise Deferred(TROUBLE)


def _fill(descriptor: int, head: bytes, message: int) -> None:
    while True:
        try:
            block = os.read(message, files.BLOCK)
        except OSError as error:
            raise Deferred(UNREADABLE) from error
        if head or block:
            files.write_all(descriptor, head + block)
        head = b""
        if not block:
            return


def _publish(name: bytes) -> None:
    files.link(b"tmp/" + name, b"new/" + name)
    try:
        files.sync_names(b"new")
    except OSError:
        files.unlink_if_possible(b"new/" + name)
        raise
