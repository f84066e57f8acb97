"""What tcpserver tells of a connection: to the program in its environment, to the log in its fields."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# A field of the log that a peer can fill ends here, with three dots.
FIELD_LIMIT: Final = 100

# Neither blanks nor control bytes, nothing outside ASCII, and not the two that log readers split at.
_SAFE = bytes(byte if 33 <= byte <= 126 and byte not in b"%:" else ord("?") for byte in range(256))


class Connection:
    """One client: `descriptor` is its socket, addresses are dotted bytes."""

    __slots__ = ("descriptor", "local_ip", "local_port", "remote_ip", "remote_port")

    def __init__(
        self, descriptor: int, remote_ip: bytes, remote_port: int, local_ip: bytes, local_port: int
    ) -> None:
        self.descriptor = descriptor
        self.remote_ip = remote_ip
        self.remote_port = remote_port
        self.local_ip = local_ip
        self.local_port = local_port

    def facts(self) -> tuple[bytes, int, bytes, int]:
        """All but the descriptor: remote ip and port, local ip and port."""
        return self.remote_ip, self.remote_port, self.local_ip, self.local_port

    def origin(self) -> bytes:
        """What the log's pid line ends in."""
        return b" from " + self.remote_ip


class Names:
    """What was found out about the two ends. None: not known, and not in the environment."""

    __slots__ = ("info", "local", "remote")

    def __init__(self, local: bytes | None, remote: bytes | None = None, info: bytes | None = None) -> None:
        self.local = local
        self.remote = remote
        self.info = info


def environment(connection: Connection, names: Names) -> tuple[tuple[bytes, bytes | None], ...]:
    """The changes to the environment, None to remove: what is unknown must not be an earlier server's."""
    return (
        (b"PROTO", b"TCP"),
        (b"TCPLOCALIP", connection.local_ip),
        (b"TCPLOCALPORT", b"%d" % connection.local_port),
        (b"TCPLOCALHOST", names.local),
        (b"TCPREMOTEIP", connection.remote_ip),
        (b"TCPREMOTEPORT", b"%d" % connection.remote_port),
        (b"TCPREMOTEHOST", names.remote),
        (b"TCPREMOTEINFO", names.info),
    )


def safe(field: bytes | None) -> bytes:
    """A field of the log without what could forge another, at most 100 bytes and three dots."""
    if not field:
        return b""
    if len(field) >= FIELD_LIMIT:
        return field[:FIELD_LIMIT].translate(_SAFE) + b"..."
    return field.translate(_SAFE)


def ends(connection: Connection, names: Names) -> bytes:
    """Both ends as the log shows them: local host:ip:port, remote host:ip:info:port."""
    return b"%b:%b:%d %b:%b:%b:%d" % (
        safe(names.local),
        connection.local_ip,
        connection.local_port,
        safe(names.remote),
        connection.remote_ip,
        safe(names.info),
        connection.remote_port,
    )
