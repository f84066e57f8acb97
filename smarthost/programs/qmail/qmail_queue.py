"""qmail-queue: put one message into the mail queue.

Reads   the message on descriptor 0, then the envelope on 1: F sender, T recipient ..., each ended by
        a zero byte, and one more zero byte. QMAILHOME names the home whose queue/ it is. On a null
        client, which has control/remotes: control/allmailfrom, adminaddr, me
Writes  a Received line, the message and the envelope into the queue, and wakes qmail-send
Exits   0 queued. 11 an address of 1003 bytes or more. 51 out of memory, 52 not done within a day,
        53 write error or disk full, 54 message or envelope ended early, 61 no home, 62 no queue,
        63 trouble in queue/pid, 64 queue/mess, 65 queue/intd, 66 queue/todo, 81 internal bug,
        91 bad envelope. It says nothing. What qmail-qmqpc exits with, where that takes over.
Differs The home is not compiled in, and the program is not setuid: root becomes the queue's owner;
        who may not write into the queue hands the message to qmail-qmqpc, if there is a
        control/qmqpservers to say where somebody listens who may (service/qmqp-local), and then
        that tells what becomes of it. The envelope of a null client is nullmailer's. The link into todo is synced, as
        Linux needs it. Whatever fails, but the day's end, is taken back; the original leaves bad
        envelopes to be swept after 36 hours. Exit 66 may also mean queued, but perhaps not durably.
        The accounts alias, qmaild and qmails may be missing; an account that shares its number with
        another is known by the name found first. A crash of the interpreter ends by its signal,
        not with 81, and a directory for descriptor 0 makes it end with 1.
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.policy import replies
from smarthost.store import spool
from smarthost.store.home import program, qmail_home
from smarthost.store.queueing import UMASK, Queueing
from smarthost.unix import files, identity, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Final

NAME: Final = "qmail-queue"
REENTRANT: Final = True
LATE: Final = ("smarthost.store.rewriting",)  # on a null client

MESSAGE: Final = 0
ENVELOPE: Final = 1

# Well below the 36 hours after which qmail-send sweeps up what was not finished.
DAY: Final = 86400

# What the original shrugs off once it has begun.
DEAF_TO: Final = (
    signals.SIGPIPE,
    signals.SIGVTALRM,
    signals.SIGPROF,
    signals.SIGQUIT,
    signals.SIGINT,
    signals.SIGHUP,
    signals.SIGXCPU,
    signals.SIGXFSZ,
)


class _DayIsOver(BaseException):
    """Nothing may be tidied any more: qmail-send may soon do that, and no handler is to delay us."""


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    del arguments  # the original looks at none
    home = qmail_home()
    umask = os.umask(UMASK)
    handlers = [(signum, signals.exchange(signum, signals.IGNORED)) for signum in DEAF_TO]
    handlers.append((signals.SIGALRM, signals.exchange(signals.SIGALRM, _end_of_day)))
    try:
        signals.alarm(DAY)
        return queue(home)
    except _DayIsOver:
        return replies.TIMED_OUT
    finally:
        signals.alarm(0)
        for signum, handler in handlers:
            signals.exchange(signum, handler)
        os.umask(umask)


def _end_of_day(_signum: int, _frame: FrameType | None) -> None:
    raise _DayIsOver


def queue(home: bytes) -> int:
    """Queue what is on the descriptors. What to exit with."""
    home = os.path.abspath(home)
    queueing = Queueing()
    try:
        _become_owner(home)
    except OSError:
        return replies.NO_QUEUE
    try:
        status = queueing.attempt(queueing.begin, home)
        if status == replies.QUEUED:
            return queueing.attempt(lambda: _carry(queueing))
    finally:
        queueing.close()
    if status in (replies.NO_QUEUE, replies.NO_PID_FILE):
        handed = _hand_over(home)
        return status if handed is None else handed
    return status


def _become_owner(home: bytes) -> None:
    """What root leaves in the queue must be its owner's: nobody else's messages are delivered. Raises OSError."""
    if os.geteuid():
        return
    try:
        owner = os.stat(home + b"/queue/pid")
    except OSError:
        return  # others will say so
    if owner.st_uid:
        identity.assume(identity.Identity(owner.st_uid, owner.st_gid))


def _hand_over(home: bytes) -> int | None:
    """Nothing was read yet, so somebody else can do it. What that one exits with; None if there is nobody.

    A message that came by this host's socket is not sent there again.
    """
    if (
        os.access(home + b"/queue/pid", os.W_OK)
        or os.environb.get(b"PROTO") == b"UNIX"
        or not os.path.exists(home + b"/control/qmqpservers")
    ):
        return None
    client = program(b"qmail-qmqpc", home)
    try:
        ended = process.wait(process.spawn(client, [client], {**os.environb, b"QMAILHOME": home}, {}))
    except OSError:
        return None
    return replies.BUG if ended < 0 else ended


def _carry(queueing: Queueing) -> None:
    while block := _read(MESSAGE):
        queueing.message(block)
    queueing.complete()
    while not queueing.done:
        block = _read(ENVELOPE)
        if not block:
            raise spool.Failed(replies.READ_ERROR)
        queueing.envelope(block)
    queueing.commit()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, files.BLOCK)
    except OSError:
        raise spool.Failed(replies.READ_ERROR) from None
