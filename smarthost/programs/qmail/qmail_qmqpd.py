"""qmail-qmqpd: take one message from a QMQP client and hand it to the queue program.

Reads   one QMQP request on descriptor 0, for at most an hour. The environment: TCPREMOTEIP,
        TCPREMOTEHOST, TCPREMOTEINFO, TCPLOCALHOST, TCPLOCALIP for the Received line, or PROTO=UNIX,
        UNIXREMOTEEUID and TCPLOCALHOST; QMAILQUEUE, the queue program, else bin/qmail-queue; QMAILHOME, the directory where it is started.
        Control files that hold a number, each overridden by the variable of its name in capitals, and
        none of them there unless somebody wants it: databytes, maxhops, maxrecipients; errordelay, the seconds
        before a reply that is no K, 60 at most; explainerrors and logaddresses, 1 for yes.
Writes  one reply on descriptor 1: K accepted, Z try later, D do not. The message goes to the queue
        program, with a Received line above it. With logaddresses a line on descriptor 2: who sent to whom, and the reply
Exits   0 after a reply or a lost client, 100 malformed request, 111 out of time or resources, or a
        length beyond 2,000,000,009
Differs The home is not compiled in. A length that is more than the request has left is refused when
        it is read, not when the request's bytes have run out. Status 82 with words that begin with
        neither D nor Z is a temporary failure; the original hands on any words, and takes none
        before a zero byte for success. Where the queue program is our qmail-queue no process is started:
        this one does its work, and is who the reply names. A client on a UNIX-domain socket is named by its user's number;
        the original knows no such clients. It has no limits, answers nothing where its status is not 0, and logs nothing.
"""

from __future__ import annotations

import os
from time import sleep

from smarthost import ending
from smarthost.errors import FormatError
from smarthost.formats import netstring, qmqp
from smarthost.policy import replies
from smarthost.server.qmqp import Session
from smarthost.store.controls import Controls
from smarthost.store.home import qmail_home
from smarthost.unix import files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Final

NAME: Final = "qmail-qmqpd"
REENTRANT: Final = True
LATE: Final = ("smarthost.store.queueing", "smarthost.store.rewriting")

REQUEST: Final = 0
REPLY: Final = 1

HOUR: Final = 3600

# A client that waits holds a place among those that are served at once.
DELAY_LIMIT: Final = 60

# What the log says where nobody is left to be told.
GONE: Final = b"the client went away, nothing is queued"

DONE: Final = 0
MALFORMED: Final = 100
NO_RESOURCES: Final = 111


class _HourIsOver(BaseException):
    """Not for those who answer for their own failures."""


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    del arguments  # the original looks at none
    pipe = signals.exchange(signals.SIGPIPE, signals.IGNORED)
    handler = signals.exchange(signals.SIGALRM, _end_of_hour)
    try:
        signals.alarm(HOUR)
        return serve(qmail_home())
    except _HourIsOver:
        return NO_RESOURCES
    finally:
        signals.alarm(0)
        signals.exchange(signals.SIGALRM, handler)
        signals.exchange(signals.SIGPIPE, pipe)


def _end_of_hour(_signum: int, _frame: FrameType | None) -> None:
    raise _HourIsOver


def serve(home: bytes) -> int:
    """Take one request and answer it. What to exit with."""
    controls = Controls(os.path.abspath(home))
    session = Session(home, controls)
    try:
        status, reply = _take(session)
    finally:
        session.abandon()
    if reply and reply[:1] != replies.ACCEPTED:
        # Who goes wrong again and again, or guesses, shall not do that at full speed.
        sleep(min(controls.setting(b"errordelay"), DELAY_LIMIT))
    if reply and (status == DONE or controls.setting(b"explainerrors")):
        try:
            files.write_all(REPLY, netstring.encode(reply))
        except OSError:
            pass  # the message's fate is decided; a client that is gone will ask again
    if session.logs:
        ending.say(session.line(NAME, reply or GONE))
    return status


def _take(session: Session) -> tuple[int, bytes]:
    """What to exit with, and what there is to say: nothing to a client that is gone."""
    decoder = qmqp.RequestDecoder()
    try:
        while not decoder.done:
            try:
                block = os.read(REQUEST, files.BLOCK)
            except OSError:
                return DONE, b""
            if not block:
                return DONE, b""
            for event in decoder.feed(block):
                session.take(event)
    except netstring.TooLong:
        return NO_RESOURCES, replies.REQUEST_TOO_LONG
    except FormatError:
        return MALFORMED, replies.NOT_A_REQUEST
    except _HourIsOver:
        return NO_RESOURCES, replies.OUT_OF_TIME
    except (OSError, MemoryError):
        return NO_RESOURCES, replies.NO_RESOURCES
    return DONE, session.reply
