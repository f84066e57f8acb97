"""qmail-qmqpd: take one message from a QMQP client and hand it to the queue program.

Reads   one QMQP request on descriptor 0, for at most an hour. The environment: TCPREMOTEIP,
        TCPREMOTEHOST, TCPREMOTEINFO, TCPLOCALHOST, TCPLOCALIP for the Received line, or PROTO=UNIX,
        UNIXREMOTEEUID and TCPLOCALHOST; QMAILQUEUE, the queue program, else bin/qmail-queue; QMAILHOME, the directory where it is started.
Writes  one reply on descriptor 1: K accepted, Z try later, D do not. The message goes to the queue
        program, with a Received line above it.
Exits   0 after a reply or a lost client, 100 malformed request, 111 out of time or resources, or a
        length beyond 2,000,000,009
Differs The home is not compiled in. A length that is more than the request has left is refused when
        it is read, not when the request's bytes have run out. Status 82 with words that begin with
        neither D nor Z is a temporary failure; the original hands on any words, and takes none
        before a zero byte for success. Where the queue program is our qmail-queue no process is started:
        this one does its work, and is who the reply names. A client on a UNIX-domain socket is named by its user's number;
        the original knows no such clients.
"""

from __future__ import annotations

import os
from time import time

from smarthost import ending
from smarthost.errors import FormatError
from smarthost.formats import netstring, qmqp, received
from smarthost.policy import replies
from smarthost.store import (
    queueing,  # noqa: F401  `submission` wants it, and a server has everything loaded before it forks
    submission,
)
from smarthost.store.home import qmail_home
from smarthost.unix import environment, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Final

    from smarthost.store.queueing import OwnQueueing
    from smarthost.store.submission import Submission

NAME: Final = "qmail-qmqpd"
REENTRANT: Final = True

REQUEST: Final = 0
REPLY: Final = 1

HOUR: Final = 3600

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
    session = Session(home)
    decoder = qmqp.RequestDecoder()
    try:
        while not decoder.done:
            try:
                block = os.read(REQUEST, files.BLOCK)
            except OSError:
                return DONE
            if not block:
                return DONE
            for event in decoder.feed(block):
                session.take(event)
    except netstring.TooLong:
        return NO_RESOURCES
    except FormatError:
        return MALFORMED
    except (OSError, MemoryError):
        return NO_RESOURCES
    else:
        try:
            files.write_all(REPLY, netstring.encode(session.reply))
        except OSError:
            pass  # the message's fate is decided; a client that is gone will ask again
        return DONE
    finally:
        session.abandon()


class Session:
    """What has become of one request so far."""

    __slots__ = ("_acceptable", "_home", "_submission", "_waiting", "reply")

    def __init__(self, home: bytes) -> None:
        self._home = home
        self._submission: Submission | OwnQueueing | None = None
        # The Received line, until the message's first bytes take it along.
        self._waiting = b""
        self._acceptable = True
        self.reply = b""

    def take(self, event: qmqp.Event) -> None:
        """Raises OSError if the queue program cannot be given the message."""
        if isinstance(event, qmqp.Begin):
            os.chdir(self._home)
            self._submission = submission.begin()
            self._waiting = _received()
            return
        under_way = self._submission
        assert under_way is not None
        if isinstance(event, qmqp.Part):
            if self._waiting:
                under_way.write(self._waiting + event.data)
                self._waiting = b""
            else:
                under_way.write(event.data)
        elif isinstance(event, qmqp.Sender):
            self._take_address(under_way, event)
        else:
            reply = under_way.finish()
            if not self._acceptable:
                reply = replies.BAD_ADDRESS
            self.reply = replies.accepted(int(time()), under_way.pid) if reply is None else reply

    def _take_address(self, under_way: Submission | OwnQueueing, event: qmqp.Sender) -> None:
        if self._waiting:  # the message had no bytes
            under_way.write(self._waiting)
            self._waiting = b""
        address = event.address
        if address is None:
            self._acceptable = False
            under_way.refuse()
            address = b""
        if isinstance(event, qmqp.Recipient):
            under_way.recipient(address)
        else:
            under_way.sender(address)

    def abandon(self) -> None:
        if self._submission is not None:
            self._submission.abandon()


def _received() -> bytes:
    said = environment.current().get
    local = said(b"TCPLOCALHOST")
    if said(b"PROTO") == b"UNIX":
        return received.by_socket(b"QMQP", int(time()), local=local, remote_uid=said(b"UNIXREMOTEEUID"))
    return received.by_network(
        b"QMQP",
        int(time()),
        local=said(b"TCPLOCALIP") if local is None else local,
        remote_ip=said(b"TCPREMOTEIP"),
        remote_host=said(b"TCPREMOTEHOST"),
        remote_info=said(b"TCPREMOTEINFO"),
    )
