"""Which addresses are this host's own, and how addresses are written."""

from __future__ import annotations

import errno
import socket
from typing import NoReturn

import pytest

from smarthost.unix import connect
from tests.support import ipv6


@pytest.mark.parametrize(
    ("address", "own"),
    [
        (b"127.0.0.1", True),
        (b"0.0.0.0", True),
        (b"127.0.0.2", False),
        (b"192.0.2.1", False),
        (b"255.255.255.255", False),
        pytest.param(b"::1", True, marks=ipv6.needed),
        pytest.param(b"0:0:0:0:0:0:0:1", True, marks=ipv6.needed),
        (b"::", True),
        (b"2001:db8::1", False),
        (b"fe80::1", False),
    ],
)
def test_own(address: bytes, own: bool) -> None:
    assert connect.is_own(address) == own


def test_a_kernel_without_ipv6_owns_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """To connect there fails, and the next address is tried: to ask must not fail before that."""

    def refuse(family: int, *_: int) -> NoReturn:
        raise OSError(errno.EAFNOSUPPORT if family == socket.AF_INET6 else errno.EMFILE, "")

    monkeypatch.setattr("_socket.socket", refuse)
    assert not connect.is_own(b"2001:db8::1")
    with pytest.raises(OSError, match=str(errno.EMFILE)):
        connect.is_own(b"192.0.2.1")


def test_packed() -> None:
    assert connect.packed(b"127.0.0.1") == b"\x7f\0\0\1"
    assert connect.packed(b"::1") == bytes(15) + b"\1"
    for nonsense in (b"", b"1.2.3", b"1.2.3.256", b":::1", b"localhost", b"\xff"):
        with pytest.raises(OSError):
            connect.packed(nonsense)


def test_numeric() -> None:
    assert connect.numeric(b"127.0.0.1", 25)[1] == ("127.0.0.1", 25)
    assert connect.numeric(b"::1", 25)[1][:2] == ("::1", 25)
    with pytest.raises(OSError):
        connect.numeric(b"localhost", 25)
