"""How a connection to a server is asked for, within a time; the socket module's lighter half does it."""

from __future__ import annotations

import _socket
import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Any

    # A family and what `connect` wants for it.
    Address = tuple[int, Any]

# Any port will do where nothing is sent.
_DISCARD = 9


def path_address(path: bytes) -> Address:
    """The address of a UNIX-domain socket."""
    return _socket.AF_UNIX, path


def addresses(host: bytes, port: int, *, lookup: bool) -> list[Address]:
    """The addresses of a host, in the order to be tried. A numeric one (`lookup` false) asks nobody.

    Raises OSError for a name that cannot be found; its reason is in `strerror`. How long that may
    take is the resolver's affair (resolv.conf(5), options timeout and attempts).
    """
    flags = 0 if lookup else _socket.AI_NUMERICHOST
    found = _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM, 0, flags)
    return [(family, address) for family, _, _, _, address in found]


def numeric(host: bytes, port: int) -> Address:
    """The address that is written so. Raises OSError for anything else."""
    [found] = addresses(host, port, lookup=False)
    return found


def packed(address: bytes) -> bytes:
    """An address as four or sixteen bytes. Raises OSError for what is none."""
    family = _socket.AF_INET6 if b":" in address else _socket.AF_INET
    return _socket.inet_pton(family, address.decode("latin-1"))


def is_own(address: bytes) -> bool:
    """Whether the address belongs to this host: what is sent to it would then come from it.

    The kernel knows which do, by interfaces and routes, and says so without sending anything.
    Raises OSError if there can be no socket.
    """
    where = packed(address)
    if not any(where):
        return True
    family = _socket.AF_INET if len(where) == 4 else _socket.AF_INET6
    try:
        asking = _socket.socket(family, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:  # a kernel without IPv6
            return False
        raise
    try:
        asking.connect((address.decode("latin-1"), _DISCARD))
        return _socket.inet_pton(family, asking.getsockname()[0]) == where
    except OSError:
        return False
    finally:
        asking.close()


def connect(address: Address, timeout: float, source: bytes = b"") -> socket:
    """A connected socket, with `timeout` seconds for this and for each later send or receive.

    `source`: the address to come from, one of the same family. Raises TimeoutError, or OSError.
    """
    family, where = address
    made = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        if source:
            made.bind((source.decode(), 0))
        if family == _socket.AF_UNIX:
            _connect_path(made, where, timeout)
        made.settimeout(timeout)
        if family != _socket.AF_UNIX:
            made.connect(where)
    except BaseException:
        made.close()
        raise
    return made


def _connect_path(made: socket, path: bytes, timeout: float) -> None:
    """A socket that does not block is refused at once when the server's backlog is full; this one waits."""
    from struct import pack  # noqa: PLC0415 - most connections are not of this kind

    made.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDTIMEO, pack("ll", int(timeout), 0))
    try:
        made.connect(path)
    except BlockingIOError as error:
        raise TimeoutError from error


def send(connection: socket, data: bytes) -> None:
    """Hand all of it to the kernel; the connection's timeout counts for each step, not for the whole."""
    done = connection.send(data)
    if done < len(data):
        view = memoryview(data)
        while done < len(data):
            done += connection.send(view[done:])
