"""How the name server is asked: PTR, A, AAAA and MX, over UDP and, where an answer does not fit, TCP.

Not a library's work: ucspi-tcp and qmail ask DNS themselves and not the hosts file, and this runs once
per connection and once per message, where dnspython's import alone (15 MB, 150 ms of CPU) outweighs the
rest of the program; loaded beforehand, it would treble the cost of each fork (docs/DESIGN.md).
The servers, the tries and their patience are ucspi-tcp's: $DNSCACHEIP, else the nameserver lines
of resolv.conf, else 127.0.0.1; 3, 11 and 45 seconds; 10 by TCP.
"""

from __future__ import annotations

import os
import time
from _socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket

from smarthost.errors import FormatError
from smarthost.formats import dns, ip4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Self

    from smarthost.formats.dns import Name, Record

PORT: Final = 53
UDP_PATIENCE: Final = (3, 11, 45)
TCP_PATIENCE: Final = 10
UDP_SIZE: Final = 513
SERVER_LIMIT: Final = 16
RESOLV_CONF: Final = b"/etc/resolv.conf"


class NoAnswer(Exception):
    """No server could say. It may be different later."""


class Resolver:
    """Asks the servers that the environment names when it is made."""

    def __init__(self, servers: list[bytes] | None = None, port: int = PORT) -> None:
        self._servers = configured_servers() if servers is None else servers
        self._port = port

    def host_name(self, ip: bytes) -> bytes:
        """The name of a dotted address, or nothing if it has none. Raises NoAnswer."""
        for name in self._ask(dns.reverse_name(ip), dns.PTR):
            assert isinstance(name, tuple)
            return dns.text_from_name(name)
        return b""

    def addresses(self, host: bytes) -> list[bytes]:
        """The dotted addresses of a name. Raises NoAnswer."""
        try:
            name = dns.name_from_text(host)
        except FormatError as error:
            raise NoAnswer from error
        return [address for address in self._ask(name, dns.A) if isinstance(address, bytes)]

    def exchangers(self, host: bytes) -> list[tuple[int, bytes]]:
        """Who takes a domain's mail, with their preferences. Raises NoAnswer."""
        name = _mail_name(host)
        found = []
        for record in self._ask(name, dns.MX) if name else ():
            assert isinstance(record, dns.Exchanger)
            found.append((record.preference, dns.text_from_name(record.name)))
        return found

    def mail_addresses(self, host: bytes) -> list[bytes]:
        """The addresses of a name, IPv4 before IPv6. Raises NoAnswer if there may be some that nobody tells."""
        name = _mail_name(host)
        found: list[bytes] = []
        for kind in (dns.A, dns.AAAA) if name else ():
            try:
                found += [address for address in self._ask(name, kind) if isinstance(address, bytes)]
            except NoAnswer:
                if not found:
                    raise
        return found

    def _ask(self, name: Name, kind: int) -> list[Record]:
        for patience in UDP_PATIENCE:
            for server in self._servers:
                query = dns.question(int.from_bytes(os.urandom(2), "big"), name, kind)
                try:
                    found = self._by_udp(server, query, patience)
                except dns.Truncated:
                    found = self._by_tcp(query)
                except (OSError, FormatError):
                    continue
                return found
        raise NoAnswer

    def _by_udp(self, server: bytes, query: bytes, patience: float) -> list[Record]:
        deadline = time.monotonic() + patience
        with _socket_to(server, SOCK_DGRAM) as asking:
            asking.settimeout(patience)
            # Connected: the kernel drops what other addresses send, and picks the port at random.
            asking.connect((server.decode(), self._port))
            asking.send(query)
            while True:
                packet = asking.recv(UDP_SIZE)
                found = dns.answers(packet, query)
                if found is not None:
                    return found
                asking.settimeout(max(deadline - time.monotonic(), 0.001))

    def _by_tcp(self, query: bytes) -> list[Record]:
        for server in self._servers:
            try:
                with _socket_to(server, SOCK_STREAM) as asking:
                    asking.settimeout(TCP_PATIENCE)
                    asking.connect((server.decode(), self._port))
                    asking.sendall(len(query).to_bytes(2, "big") + query)
                    packet = _exactly(asking, int.from_bytes(_exactly(asking, 2), "big"))
                found = dns.answers(packet, query)
            except (OSError, FormatError):
                continue
            if found is not None:
                return found
        raise NoAnswer


class _socket_to(socket):  # noqa: N801  a socket that closes at the end of `with`, as the C half does not
    def __init__(self, server: bytes, kind: int) -> None:
        super().__init__(AF_INET6 if b":" in server else AF_INET, kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mail_name(host: bytes) -> Name:
    """The labels of a mail host's name: none for the root, which takes no mail, and for what can be no name."""
    if b".." in host or host.startswith(b"."):
        return ()
    try:
        return dns.name_from_text(host)
    except FormatError:
        return ()


def _exactly(asking: socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = asking.recv(size - len(parts))
        if not part:
            raise FormatError("answer is cut off")
        parts += part
    return parts


def configured_servers() -> list[bytes]:
    """The addresses of the name servers, at most 16."""
    words = os.environb.get(b"DNSCACHEIP", b"").split()
    named = [address for word in words for address in _addresses_in(word)]
    if not named:
        try:
            descriptor = os.open(RESOLV_CONF, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return [b"127.0.0.1"]
        try:
            text = os.read(descriptor, 65536)
        finally:
            os.close(descriptor)
        fields = [line.split() for line in text.splitlines() if line.startswith(b"nameserver")]
        named = [address for field in fields if len(field) > 1 for address in _addresses_in(field[1])[:1]]
    return named[:SERVER_LIMIT] or [b"127.0.0.1"]


def _addresses_in(word: bytes) -> list[bytes]:
    """An IPv6 address; or as the originals read IPv4, joined by dots where there are several (1.2.3.4.5.6.7.8),
    up to what is none.
    """
    if b":" in word.partition(b"%")[0]:
        return [word] if _is_ip6(word.partition(b"%")[0]) else []
    return ip4.addresses_in(word[: len(word) - len(word.lstrip(b"0123456789."))].strip(b".")) or []


def _is_ip6(text: bytes) -> bool:
    from _socket import inet_pton  # noqa: PLC0415

    try:
        inet_pton(AF_INET6, os.fsdecode(text))
    except OSError:
        return False
    return True
