"""server.resolver against name servers on loopback that answer, fail, are silent, and have too much to say."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from smarthost.server import resolver
from tests.support.nameserver import LARGE, REFUSED, SERVFAIL, NameServer, lonely_address
from tests.support.run import TIMEOUT
from tests.unit.formats.test_dns import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.nameserver import Zone


# Ports of our choice are free where nobody else is.
FIRST, SECOND, NOBODY = (lonely_address(number) for number in range(3))


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is a thread here, which may be slow to come to its turn: it must not be asked twice for that."""
    monkeypatch.setattr(resolver, "UDP_PATIENCE", (TIMEOUT,) * 3)
    monkeypatch.setattr(resolver, "TCP_PATIENCE", TIMEOUT)


def ptr(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + record(b"\x04mail\x07example\x00")


def a(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + record(b"\x7f\x00\x00\x09", 1)


def failure(query: bytes) -> bytes:
    return query[:2] + b"\x81\x82\0\1\0\0\0\0\0\0" + query[12:]


def truncated(query: bytes) -> bytes:
    return query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + query[12:]


def no_name(query: bytes) -> bytes:
    return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + query[12:]


@contextmanager
def name_server(address: str, port: int, *replies: Callable[[bytes], bytes]) -> Iterator[int]:
    """Answers each datagram with the next reply, preceded by one that belongs to another question."""
    serving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    serving.bind((address, port))
    serving.settimeout(TIMEOUT)

    def serve() -> None:
        for reply in replies:
            query, client = serving.recvfrom(600)
            serving.sendto(b"\0\0" + query[2:], client)
            serving.sendto(reply(query), client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield serving.getsockname()[1]
    finally:
        thread.join()
        serving.close()


def test_names_and_addresses() -> None:
    with name_server(FIRST, 0, ptr, a, no_name) as port:
        asking = resolver.Resolver([FIRST.encode()], port)
        assert asking.host_name(b"192.0.2.1") == b"mail.example"
        assert asking.addresses(b"mail.example") == [b"127.0.0.9"]
        assert asking.host_name(b"192.0.2.1") == b""


def test_a_server_that_fails_or_is_not_there_is_passed_over() -> None:
    with name_server(FIRST, 0, ptr) as port, name_server(SECOND, port, failure):
        asking = resolver.Resolver([address.encode() for address in (NOBODY, SECOND, FIRST)], port)
        assert asking.host_name(b"192.0.2.1") == b"mail.example"


def test_what_does_not_fit_is_asked_for_by_tcp() -> None:
    with socket.create_server((FIRST, 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                query = client.recv(600)[2:]
                reply = ptr(query)
                client.sendall(len(reply).to_bytes(2, "big") + reply[:5])
                client.sendall(reply[5:])

        thread = threading.Thread(target=serve)
        thread.start()
        with name_server(FIRST, port, truncated):
            assert resolver.Resolver([FIRST.encode()], port).host_name(b"192.0.2.1") == b"mail.example"
        thread.join()


def test_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "UDP_PATIENCE", (0.01, 0.01))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asking = resolver.Resolver([b"127.0.0.1"], silent.getsockname()[1])
        with pytest.raises(resolver.NoAnswer):
            asking.host_name(b"192.0.2.1")
    with pytest.raises(resolver.NoAnswer):
        asking.addresses(b"x" * 64 + b".example")


def test_the_servers_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNSCACHEIP", "127.0.0.7 nonsense ::1")
    assert resolver.configured_servers() == [b"127.0.0.7", b"::1"]


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("127.0.0.7.127.0.0.8", ["127.0.0.7", "127.0.0.8"]),  # several, as the original has them
        ("127.0.0.7.127.0.0", ["127.0.0.7"]),
        ("127.000.000.007,127.0.0.8", ["127.0.0.7"]),
        (".127.0.0.7", ["127.0.0.7"]),
        ("127.0.0.7 127.0.0.8.127.0.0.9 ::g", ["127.0.0.7", "127.0.0.8", "127.0.0.9"]),
    ],
)
def test_how_the_environment_names_them(
    monkeypatch: pytest.MonkeyPatch, text: str, servers: list[str]
) -> None:
    monkeypatch.setenv("DNSCACHEIP", text)
    assert resolver.configured_servers() == [server.encode() for server in servers]


def test_else_those_of_resolv_conf(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("DNSCACHEIP", raising=False)
    path = f"{tmp_path}/resolv.conf"
    monkeypatch.setattr(resolver, "RESOLV_CONF", path)
    assert resolver.configured_servers() == [b"127.0.0.1"]
    with open(path, "w", encoding="ascii") as file:
        file.write(
            "search example\nnameserver 192.0.2.53\n#nameserver 1.1.1.1\nnameserver\tfe80::1%eth0\nnameserver x\n"
            "nameserver 192.0.2.54;and a comment\nnameserver 192.0.2.55#53\n"
        )
    assert resolver.configured_servers() == [
        b"192.0.2.53",
        b"fe80::1%eth0",
        b"192.0.2.54",
        b"192.0.2.55",
    ]


ZONE: Zone = {
    "example": {"MX": ["10 mail.example.", "20 backup.example."]},
    "alias.example": {"CNAME": ["example."]},
    "mail.example": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "six.example": {"AAAA": ["2001:db8::2"]},
    "half.example": {"A": ["192.0.2.3"], "AAAA": SERVFAIL},
    "other.example": {"A": SERVFAIL, "AAAA": ["2001:db8::3"]},
    "refused.example": {"ANY": REFUSED},
    "none.example": {"TXT": ["text"]},
    "null.example": {"MX": ["0 ."]},
    "large.example": {"MX": LARGE, LARGE: [f"{at} mail{at}.a-long-name.example." for at in range(200)]},
}


def test_where_mail_goes() -> None:
    with NameServer(ZONE, 0) as server:
        asking = resolver.Resolver([server.address.encode()], server.port)
        both = [(10, b"mail.example"), (20, b"backup.example")]
        for host in (b"example", b"EXAMPLE", b"alias.example", b"example."):
            assert sorted(asking.exchangers(host)) == both
        assert asking.exchangers(b"null.example") == [(0, b".")]
        assert len(asking.exchangers(b"large.example")) == 200
        for host in (b"none.example", b"missing.example", b"mail.example"):
            assert asking.exchangers(host) == []
        with pytest.raises(resolver.NoAnswer):
            asking.exchangers(b"refused.example")


def test_the_addresses_of_a_mail_host() -> None:
    with NameServer(ZONE, 0) as server:
        asking = resolver.Resolver([server.address.encode()], server.port)
        four = [b"192.0.2.1", b"192.0.2.2"]
        found = asking.mail_addresses(b"mail.example")
        assert (sorted(found[:2]), found[2:]) == (four, [b"2001:db8:0:0:0:0:0:1"])
        assert asking.mail_addresses(b"six.example") == [b"2001:db8:0:0:0:0:0:2"]
        assert asking.mail_addresses(b"half.example") == [b"192.0.2.3"]
        assert asking.mail_addresses(b"none.example") == []
        assert asking.mail_addresses(b"missing.example") == []
        for host in (b"other.example", b"refused.example"):
            with pytest.raises(resolver.NoAnswer):
                asking.mail_addresses(host)


def test_what_can_be_no_mail_host_is_not_asked_about() -> None:
    with NameServer(ZONE, 0) as server:
        asking = resolver.Resolver([server.address.encode()], server.port)
        for host in (b"", b".", b"a..example", b".example", b"x" * 64 + b".example", b"x." * 128):
            assert asking.exchangers(host) == []
            assert asking.mail_addresses(host) == []
        assert server.asked == []
