"""A QMQP server of the tests' own, which misbehaves on demand. It shares no code with what it tests."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT = 60


class Server:
    """Serves one client after another, each by `behave`, on any free port unless told where.

    received  the requests that were read to their end, frames taken off
    """

    def __init__(
        self,
        behave: Callable[[Server, socket.socket], None],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self.stop = threading.Event()
        self._behave = behave
        self._tls = tls
        family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.socket(family)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listening.bind(str(path) if path else (host, port))
            self._listening.listen(16)
        except OSError:
            self._listening.close()
            raise
        self.host = str(path) if path else host
        self.port = 0 if path else self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    @property
    def line(self) -> str:
        """What control/qmqpservers says."""
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(TIMEOUT)
        self._listening.close()

    def _serve(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            try:
                connection.settimeout(TIMEOUT)
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self._behave(self, connection)
            except OSError:  # the client went away, as some of them should
                pass
            finally:
                connection.close()

    def read_request(self, connection: socket.socket) -> None:
        """Take a whole request, or raise."""
        with connection.makefile("rb") as stream:
            digits = b""
            while (byte := stream.read(1)) != b":":
                if not byte.isdigit():
                    raise ConnectionError("no request")
                digits += byte
            payload = stream.read(int(digits) + 1)
            if len(payload) != int(digits) + 1 or payload[-1:] != b",":
                raise ConnectionError("the request is not whole")
        self.received.append(payload[:-1])


def answers(reply: bytes) -> Callable[[Server, socket.socket], None]:
    """Reads the request and sends these bytes as they are."""

    def behave(server: Server, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(reply)

    return behave


def says(text: bytes) -> Callable[[Server, socket.socket], None]:
    """Reads the request and replies as QMQP has it."""
    return answers(b"%d:%s," % (len(text), text))


def hangs(server: Server, connection: socket.socket) -> None:
    """Reads the request and says nothing."""
    server.read_request(connection)
    server.stop.wait(TIMEOUT)


def is_mute(server: Server, _connection: socket.socket) -> None:
    """Neither reads nor says anything."""
    server.stop.wait(TIMEOUT)


def hangs_up_early(_server: Server, connection: socket.socket) -> None:
    """Closes after the first bytes of the request."""
    connection.recv(10)


def says_early(text: bytes) -> Callable[[Server, socket.socket], None]:
    """Replies after the first bytes of the request and closes."""

    def behave(_server: Server, connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"%d:%s," % (len(text), text))

    return behave


def refusing_address() -> tuple[socket.socket, str]:
    """An address where nobody listens, and the socket that keeps it so."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held, f"127.0.0.1:{held.getsockname()[1]}"


def own_loopback_address() -> str:
    """An address of 127/8 that no other test uses, for what can only be told an address and uses its port."""
    first, second, third = os.urandom(3)
    return f"127.{first}.{second}.{max(third, 2)}"
