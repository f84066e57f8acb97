"""An SMTP server of the tests' own, which misbehaves on demand. It shares no code with what it tests.

Each step of a session is answered from a table: a reply, a list of replies to be used one after the other, or a
function of the talk. What is not in the table is answered as a server without extensions would.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

TIMEOUT = 60

USUAL: dict[str, bytes] = {
    "greeting": b"220 mail.example ESMTP\r\n",
    "EHLO": b"502 no extensions\r\n",
    "HELO": b"250 mail.example\r\n",
    "MAIL": b"250 sender ok\r\n",
    "RCPT": b"250 recipient ok\r\n",
    "DATA": b"354 go ahead\r\n",
    "dot": b"250 queued\r\n",
    "QUIT": b"221 bye\r\n",
    "STARTTLS": b"220 go on\r\n",
    "AUTH": b"235 welcome\r\n",
    "RSET": b"250 ok\r\n",
}


def ehlo(*capabilities: str) -> bytes:
    lines = ["mail.example", *capabilities]
    last = len(lines) - 1
    return "".join(f"250{'-' if at < last else ' '}{line}\r\n" for at, line in enumerate(lines)).encode()


class Talk:
    """One client."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self._stream = connection.makefile("rb")

    def line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the client went away")
        return line

    def say(self, reply: bytes) -> None:
        self.connection.sendall(reply)

    def secure(self, context: ssl.SSLContext) -> None:
        self._stream.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.connection.settimeout(TIMEOUT)
        self._stream = self.connection.makefile("rb")

    def message(self) -> bytes:
        """What comes up to the dot, as it comes."""
        lines = []
        while (line := self.line()) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    def close(self) -> None:
        self._stream.close()
        self.connection.close()


Reply = Any


class Server:
    """Serves one client after another on 127.0.0.1, or `host`, and any free port, or `port`.

    commands     all lines that came, without their CRLF, a session behind the other
    messages     what came after DATA and before the dot
    """

    def __init__(
        self,
        replies: Mapping[str, Reply] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        wrapped: bool = False,
    ) -> None:
        self.commands: list[bytes] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self.stop = threading.Event()
        self._replies = {**USUAL, **(replies or {})}
        self._tls = tls
        self._wrapped = wrapped
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.socket(family)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listening.bind((host, port))
            self._listening.listen(64)
        except OSError:
            self._listening.close()
            raise
        self.host = host
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

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
            connection.settimeout(TIMEOUT)
            talk = Talk(self, connection)
            try:
                if self._wrapped:
                    assert self._tls is not None
                    talk.secure(self._tls)
                self._talk(talk)
            except OSError:  # the client went away, as some of them should
                pass
            finally:
                talk.close()

    def _talk(self, talk: Talk) -> None:
        self._answer(talk, "greeting")
        while True:
            line = talk.line()
            self.commands.append(line.removesuffix(b"\n").removesuffix(b"\r"))
            verb = line[:4].decode("latin-1").upper()
            verb = "STARTTLS" if verb == "STAR" else verb
            reply = self._answer(talk, verb)
            if verb == "DATA" and reply.startswith(b"3"):
                self.messages.append(talk.message())
                self._answer(talk, "dot")
            if verb == "STARTTLS" and reply.startswith(b"220") and self._tls is not None:
                talk.secure(self._tls)
            if verb == "QUIT":
                return

    def _answer(self, talk: Talk, step: str) -> bytes:
        reply = self._replies.get(step, b"500 what?\r\n")
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if callable(reply):
            made: bytes = reply(talk)
            return made
        talk.say(reply)
        return bytes(reply)


def hang_up(talk: Talk) -> bytes:
    """Say nothing and close."""
    del talk
    raise ConnectionError


def hang(talk: Talk) -> bytes:
    """Say nothing until the client has gone, or the test is over."""
    talk.connection.settimeout(0.05)
    while not talk.server.stop.is_set():
        try:
            if not talk.connection.recv(4096):
                break
        except TimeoutError:
            continue
    raise ConnectionError


def then_hang_up(reply: bytes) -> Callable[[Talk], bytes]:
    """Say this, and close at once."""

    def behave(talk: Talk) -> bytes:
        talk.say(reply)
        raise ConnectionError

    return behave


def reset(talk: Talk) -> bytes:
    """Close so that the client is told that something went wrong."""
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raise ConnectionError
