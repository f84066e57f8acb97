"""How is a message given to a QMQP server? One connection, one request, one reply."""

from __future__ import annotations

import time

from smarthost.errors import FormatError
from smarthost.formats import qmqpreply
from smarthost.formats.qmqpreply import ReplyReader
from smarthost.policy import replies
from smarthost.policy.failover import Failure
from smarthost.unix import connect, errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterable
    from ssl import SSLContext
    from typing import Final, Protocol

    from smarthost.formats.qmqpserver import QmqpServer

    class Settings(Protocol):
        """Seconds for connecting, and for each send or receive; how servers with TLS are checked."""

        connect_seconds: int
        transfer_seconds: int

        def tls(self) -> SSLContext: ...


RECEIVE_AT_ONCE: Final = 4096


class NoAnswer(Exception):
    """The server did not answer: why, the status that stands for it, and whether it may have the message."""

    def __init__(self, reason: str, status: int, *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.failure = Failure(status, in_doubt=in_doubt)


def find(server: QmqpServer) -> list[connect.Address]:
    """Where the server may be reached, in the order to be tried. Raises NoAnswer."""
    if server.path:
        return [connect.path_address(server.path)]
    try:
        return connect.addresses(server.host, server.port, lookup=not (server.is_ip4 or server.is_ip6))
    except OSError as error:
        raise NoAnswer(f"unable to find it: {errtext.reason(error)}", replies.NO_NETWORK) from error


def _open(server: QmqpServer, address: connect.Address, settings: Settings, source: bytes) -> socket:
    """A connection to the server, with TLS if that was asked for."""
    try:
        context = settings.tls() if server.tls else None
    except (OSError, FormatError) as error:
        reason = errtext.reason(error) if isinstance(error, OSError) else str(error)
        raise NoAnswer(f"unable to set up TLS: {reason}", replies.NO_CONFIGURATION) from error
    try:
        connection = connect.connect(address, settings.connect_seconds, source)
        if context is not None:
            from smarthost.unix import tls  # noqa: PLC0415

            connection = tls.start(context, connection, server.host)
    except TimeoutError as error:
        raise NoAnswer("unable to connect: timed out", replies.CONNECT_TIMED_OUT) from error
    except OSError as error:
        raise NoAnswer(f"unable to connect: {errtext.reason(error)}", replies.NOT_CONNECTED) from error
    connection.settimeout(settings.transfer_seconds)
    return connection


def ask(
    server: QmqpServer,
    address: connect.Address,
    request: Iterable[bytes],
    settings: Settings,
    source: bytes = b"",
) -> ReplyReader:
    """Give the server, at this address, the request's blocks, and take its answer; `source`: the address to
    come from. Raises NoAnswer.
    """
    connection = _open(server, address, settings, source)
    try:
        return _exchange(connection, request, settings.transfer_seconds)
    finally:
        connection.close()


def _exchange(connection: socket, request: Iterable[bytes], seconds: int) -> ReplyReader:
    reply = ReplyReader()
    try:
        for block in request:
            connect.send(connection, block)
    except OSError as error:
        # The last byte is still here, so it cannot have been accepted; but it may have been refused.
        _receive(connection, reply, seconds)
        if reply.letter in (qmqpreply.DEFERRED, qmqpreply.REJECTED):
            return reply
        raise NoAnswer(
            f"unable to send the message: {errtext.reason(error)}", replies.CONNECTION_BROKEN
        ) from error
    trouble = _receive(connection, reply, seconds)
    if not reply.letter:
        raise NoAnswer(f"no answer: {trouble}", replies.CONNECTION_BROKEN, in_doubt=True)
    return reply


def _receive(connection: socket, reply: ReplyReader, seconds: int) -> str:
    """Feed the reply until it is done, or says K: what follows that is not worth waiting for.

    What keeps it from being done is not raised, because the letter alone may be enough.
    """
    end = time.monotonic() + seconds
    try:
        while not (reply.done or reply.letter == qmqpreply.ACCEPTED) and time.monotonic() < end:
            data = connection.recv(RECEIVE_AT_ONCE)
            if not data:
                return "connection closed"
            reply.feed(data)
    except OSError as error:
        return errtext.reason(error)
    except FormatError as error:
        return f"not a QMQP server: {error}"
    return "timed out"
