"""A small QMQP client of the tests' own. It is written by hand and shares no code with what it tests."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TIMEOUT = 60


def netstring(payload: bytes) -> bytes:
    return b"%d:%s," % (len(payload), payload)


def request(message: bytes, sender: bytes, recipients: Iterable[bytes]) -> bytes:
    """The bytes that a client sends: one netstring of netstrings."""
    return netstring(b"".join(map(netstring, [message, sender, *recipients])))


def payload(reply: bytes) -> bytes:
    """What a reply says without its frame; nothing for no reply at all."""
    if not reply:
        return b""
    length, colon, rest = reply.partition(b":")
    assert colon, f"no netstring: {reply!r}"
    assert length == b"%d" % (len(rest) - 1), f"the length is wrong: {reply!r}"
    assert rest.endswith(b","), f"no comma: {reply!r}"
    return rest[:-1]


def exchange(host: str, port: int, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send these bytes as they are, and read until the server closes. A server that closes early is no error."""
    received = bytearray()
    with socket.create_connection((host, port), TIMEOUT) as connection:
        try:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while block := connection.recv(65536):
                received += block
        except ConnectionResetError:
            pass
    return bytes(received)


def send(host: str, port: int, sent: bytes) -> bytes:
    """Send a request, and return what the reply says: `Kok 1763805184 qp 4711`."""
    return payload(exchange(host, port, sent))
