"""What one line of control/qmqpservers says: where a QMQP server listens.

    10.0.0.1  10.0.0.1:700        as in the original, which knows the first form only
    2001:db8::1  [2001:db8::1]:700
    mail.example.com  mail.example.com:700
    /run/qmqp.sock                a UNIX-domain socket
    tls:ANY OF THE ABOVE BUT THE SOCKET

A port is digits and `tls:` is never followed by digits alone, so `tls:628` is still a host named
tls. What follows a blank is a comment, as it is to the original's address scanner.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PORT: Final = 628
PORT_LIMIT: Final = 65535

_TLS: Final = b"tls:"
_DIGITS: Final = frozenset(b"0123456789")
_IP6: Final = frozenset(b"0123456789abcdefABCDEF:.")
# Letters, digits, dash and dot make a host name; an underscore is seen in names of containers.
# The percent sign introduces a zone (fe80::1%eth0).
_NAME: Final = frozenset(b"-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class QmqpServer:
    """`host` is an address or a name, with `port`; a UNIX-domain socket has `path` and neither."""

    __slots__ = ("host", "path", "port", "tls")

    def __init__(self, *, host: bytes = b"", port: int = 0, path: bytes = b"", tls: bool = False) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.tls = tls

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QmqpServer) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"QmqpServer{self._key()}"

    def _key(self) -> tuple[bytes, int, bytes, bool]:
        return self.host, self.port, self.path, self.tls

    @property
    def is_ip4(self) -> bool:
        parts = self.host.split(b".")
        return len(parts) == 4 and all(part and _DIGITS.issuperset(part) for part in parts)

    @property
    def is_ip6(self) -> bool:
        return b":" in self.host


def parse(line: bytes) -> QmqpServer:
    """The server that a line names. Raises FormatError for a line that names none."""
    words = line.split(maxsplit=1)
    if not words:
        raise FormatError("empty")
    word = words[0]
    if word.startswith(b"/"):
        return QmqpServer(path=word)
    tls = word.startswith(_TLS) and not _is_number(word[len(_TLS) :])
    host, port = _host_and_port(word[len(_TLS) :] if tls else word)
    return QmqpServer(host=host, port=port, tls=tls)


def _host_and_port(text: bytes) -> tuple[bytes, int]:
    if text.startswith(b"["):
        inside, bracket, rest = text[1:].partition(b"]")
        if not bracket or (rest and not rest.startswith(b":")):
            raise FormatError("bracket does not close an address")
        return _ip6(inside), _port(rest[1:]) if rest else PORT
    if text.count(b":") > 1:
        return _ip6(text), PORT
    host, colon, port = text.partition(b":")
    if not host or not _NAME.issuperset(host):
        raise FormatError("neither an address nor a host name")
    return host, _port(port) if colon else PORT


def _ip6(text: bytes) -> bytes:
    address, _, zone = text.partition(b"%")
    if b":" not in address or not _IP6.issuperset(address) or not _NAME.issuperset(zone):
        raise FormatError("not an IPv6 address")
    return text


def _port(digits: bytes) -> int:
    if not _is_number(digits) or len(digits) > len(str(PORT_LIMIT)):
        raise FormatError("bad port")
    port = int(digits)
    if not 0 < port <= PORT_LIMIT:
        raise FormatError("bad port")
    return port


def _is_number(text: bytes) -> bool:
    return bool(text) and _DIGITS.issuperset(text)
