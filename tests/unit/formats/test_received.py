from __future__ import annotations

import pytest

from smarthost.formats import received


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, b"1 Jan 1970 00:00:00 -0000"),
        (1795342144, b"22 Nov 2026 10:09:04 -0000"),
        (951827696, b"29 Feb 2000 12:34:56 -0000"),
    ],
)
def test_date(seconds: int, said: bytes) -> None:
    assert received.date(seconds) == said


def test_safe() -> None:
    assert received.safe(b"aZ09.@%+/=:-[]") == b"aZ09.@%+/=:-[]"
    assert received.safe(b"a b\n(c)\0_\x80\xff~") == b"a?b??c??????"


def test_by_network() -> None:
    assert received.by_network(
        b"QMQP", 0, local=b"mx", remote_ip=b"192.0.2.7", remote_host=b"h\n", remote_info=b"joe"
    ) == (b"Received: from h? (joe@192.0.2.7)\n  by mx with QMQP; 1 Jan 1970 00:00:00 -0000\n")


def test_by_network_knowing_nothing() -> None:
    assert received.by_network(
        b"QMQP", 0, local=None, remote_ip=None, remote_host=None, remote_info=None
    ) == (b"Received: from unknown (unknown)\n  by unknown with QMQP; 1 Jan 1970 00:00:00 -0000\n")


@pytest.mark.parametrize(
    ("local", "uid", "said"),
    [
        (b"mx.example.com", b"1000", b"(uid 1000)\n  by mx.example.com with QMQP"),
        (b"", b"1)\n", b"(uid 1??)\n  by  with QMQP"),
        (None, None, b"(uid unknown)\n  by localhost with QMQP"),
    ],
)
def test_by_socket(local: bytes | None, uid: bytes | None, said: bytes) -> None:
    line = received.by_socket(b"QMQP", 0, local=local, remote_uid=uid)
    assert line == b"Received: from localhost %s; 1 Jan 1970 00:00:00 -0000\n" % said


def test_by_queue() -> None:
    assert received.by_queue(7, b"by uid 1", 0) == (
        b"Received: (qmail 7 invoked by uid 1); 1 Jan 1970 00:00:00 -0000\n"
    )
