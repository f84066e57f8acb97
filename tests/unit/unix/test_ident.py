"""unix.ident: what an ident server answers, and a server that does not."""

from __future__ import annotations

import socket
import threading

import pytest

from smarthost.unix import ident
from tests.support.qmqpserver import refusing_address


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        (b"1 , 2 : USERID : UNIX : joe\r\n", b"joe"),
        (b"1,2:USERID:UNIX:jo e\tx:y\r\n", b"joex:y"),
        (b"1,2:ERROR:NO-USER\r\n", b""),
        (b"\n", b""),
        (b"1,2:USERID:UNIX:jo", None),
        (b"", None),
        (b"a:b:c:" + b"x" * 256, None),
        (b"a:b:c:" + b"x" * 257, b"x" * 257),
        (b"a:b:c:x\0y\n", b"x"),
    ],
)
def test_the_name_follows_the_third_colon(heard: bytes, name: bytes | None) -> None:
    assert ident.name_in(heard) == name


def answer(reply: bytes) -> tuple[socket.socket, threading.Thread, list[bytes]]:
    listening = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            asked.append(client.recv(100))
            client.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return listening, thread, asked


@pytest.mark.parametrize(
    ("reply", "name"), [(b"5 , 6 : USERID : UNIX : joe\r\n", b"joe"), (b"5 , 6 :", None)]
)
def test_asking(reply: bytes, name: bytes | None) -> None:
    listening, thread, asked = answer(reply)
    with listening:
        port = listening.getsockname()[1]
        assert ident.user(("127.0.0.1", 5), ("127.0.0.1", 6), 20, port=port) == name
        thread.join()
    assert asked == [b"5 , 6\r\n"]


def test_nobody_there_and_nobody_who_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert ident.user(("127.0.0.1", 5), ("127.0.0.1", 6), 0.05, port=port) is None
    held, address = refusing_address()
    with held:
        port = int(address.rpartition(":")[2])
        assert ident.user(("127.0.0.1", 5), ("127.0.0.1", 6), 20, port=port) is None
