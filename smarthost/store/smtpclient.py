"""How is a message given to an SMTP server? policy/smtpclient.py says what is said, this says it."""

from __future__ import annotations

import _socket
import time

from smarthost.errors import FormatError
from smarthost.formats.smtpdata import DataEncoder
from smarthost.formats.smtpreply import ReplyReader
from smarthost.policy import remotereport, smtpclient
from smarthost.policy.remotereport import Outcome
from smarthost.store.outgoing import Unreadable
from smarthost.unix import connect, errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Final

    from smarthost.formats.smtpreply import Reply
    from smarthost.policy.smtpclient import Session
    from smarthost.store.outgoing import Message

    # Starts TLS on a connection. Raises OSError, and the connection is then closed.
    Secure = Callable[[socket], socket]

RECEIVE_AT_ONCE: Final = 4096
QUIT: Final = b"QUIT\r\n"


class HandshakeFailed(Exception):
    """TLS could not be started, for this reason. The connection is of no use any more."""


class _PartialLine(Exception):
    """The message does not end where a line does."""


class Limits:
    """What is waited for.

    seconds   for each reply, and for each time that the server takes more of the message
    deadline  of the whole session, by the monotonic clock
    """

    __slots__ = ("deadline", "seconds")

    def __init__(self, seconds: float, deadline: float = float("inf")) -> None:
        self.seconds = seconds
        self.deadline = deadline

    def left(self, end: float) -> float:
        """Until then, or until the deadline. Raises TimeoutError when that is over."""
        left = min(end, self.deadline) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Talk:
    """A connection on which commands are put together until a reply is wanted."""

    def __init__(self, connection: socket, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._replies = ReplyReader()
        self._pending = b""
        self.critical = False

    def put(self, data: bytes) -> None:
        self._pending += data

    def reply(self) -> Reply:
        """Send what is pending and take the next reply. Raises OSError, or FormatError for what is none."""
        self._flush()
        end = time.monotonic() + self._limits.seconds
        while (reply := self._replies.take()) is None:
            self._connection.settimeout(self._limits.left(end))
            self._receive()
        self.critical = False
        return reply

    def _receive(self) -> None:
        data = self._connection.recv(RECEIVE_AT_ONCE)
        if not data:
            raise ConnectionError
        self._replies.feed(data)

    def said(self) -> bytes:
        return self._replies.said()

    def secure(self, secure: Secure) -> None:
        """Raises HandshakeFailed, also where something was said in the open that would count as said in TLS."""
        self._flush()
        if not self._replies.idle:
            raise HandshakeFailed("something came before it")
        self._connection.settimeout(self._limits.left(time.monotonic() + self._limits.seconds))
        try:
            self._connection = secure(self._connection)
        except OSError as error:
            raise HandshakeFailed(errtext.reason(error)) from error

    def message(self, message: Message, *, complete: bool) -> Reply | None:
        """Send all of it and the dot; the last block goes with the dot, for small packets wait for each other.

        The reply, if one comes too early and is a refusal. Raises OSError, Unreadable or _PartialLine.
        """
        encoder = DataEncoder()
        try:
            for block in message.blocks():
                self._flush()
                self._pending = encoder.feed(block)
            if not encoder.whole and not complete:
                raise _PartialLine
            end = encoder.end(complete=complete)
            if len(self._pending) > RECEIVE_AT_ONCE:
                self._flush()  # what fails here leaves no doubt
            self._pending += end
        except OSError:
            return self._refusal()
        self.critical = True
        self._flush()
        return None

    def _refusal(self) -> Reply:
        """Why the server did not take the whole message, if it has said so. Raises OSError."""
        self._connection.settimeout(0)
        self._receive()
        reply = self._replies.take()
        if reply is None or reply.code < 400:
            raise ConnectionError
        return reply

    def _flush(self) -> None:
        data, self._pending = self._pending, b""
        if data:
            self._connection.settimeout(self._limits.left(time.monotonic() + self._limits.seconds))
            connect.send(self._connection, data)

    def close(self, *, quitting: bool) -> None:
        """The server's farewell is not waited for."""
        try:
            if quitting:
                self._connection.settimeout(0)
                self._connection.send(QUIT)
        except OSError:
            pass
        finally:
            self._connection.close()


def converse(
    connection: socket,
    session: Session,
    message: Message,
    secure: Secure,
    limits: Limits,
    *,
    complete: bool = False,
) -> Outcome:
    """Hold the session to its end, and close the connection. Raises HandshakeFailed.

    complete  whether a message whose last line has no end gets one; else it is refused
    """
    _at_once(connection)
    talk = _Talk(connection, limits)
    quitting = False
    try:
        outcome = _hold(talk, session, message, secure, complete=complete)
        quitting = True
        return outcome
    except FormatError:
        return session.spoke_nonsense(talk.said(), critical=talk.critical)
    except Unreadable:
        return Outcome(remotereport.UNREADABLE, session.reports)
    except _PartialLine:
        return Outcome(remotereport.PARTIAL_LINE, session.reports)
    except OSError:
        return session.died(critical=talk.critical)
    finally:
        talk.close(quitting=quitting)


def _hold(talk: _Talk, session: Session, message: Message, secure: Secure, *, complete: bool) -> Outcome:
    steps = session.steps()
    came: object = None
    early: Reply | None = None
    try:
        while True:
            step = steps.send(came)
            came = None
            if isinstance(step, bytes):
                talk.put(step)
            elif step == smtpclient.REPLY:
                came = early or talk.reply()
            elif step == smtpclient.SURVEY:
                came = message.survey()
            elif step == smtpclient.HANDSHAKE:
                talk.secure(secure)
            else:
                early = talk.message(message, complete=complete)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def _at_once(connection: socket) -> None:
    """Nothing that we send waits for what the other side says to what went before."""
    try:
        connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    except OSError:
        pass
