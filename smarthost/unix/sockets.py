"""How sockets are asked for, through the C half of the socket module: its other half costs 5 ms."""

from __future__ import annotations

import _socket
import errno
import os

from smarthost.unix import fds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Final

# An empty value makes the kernel forget the route that the client's packets asked for.
IP_OPTIONS: Final = 4
# DNS has no room for a longer part between two dots.
LABEL_LIMIT: Final = 63


def pair(kind: int) -> tuple[socket, socket]:
    """Two sockets joined to each other, out of the way of descriptors that a program expects."""
    one, other = _socket.socketpair(_socket.AF_UNIX, kind)
    return _moved(one, kind), _moved(other, kind)


def _moved(made: socket, kind: int) -> socket:
    return _socket.socket(_socket.AF_UNIX, kind, 0, fds.high(made.detach()))


def listener(ip: str, port: int, backlog: int) -> socket:
    """A listening TCP socket that does not block.

    Raises OSError; its `strerror` is the step that failed, in ucspi-tcp's words.
    """
    step = "create socket"
    try:
        made = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            step = "bind"
            made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            made.bind((ip, port))
            step = "listen"
            made.listen(backlog)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise OSError(error.errno, step) from error
    made.setblocking(False)
    return made


def accept(listening: socket) -> tuple[int, tuple[str, int]]:
    """A client's descriptor (blocking, closed by exec) and its address. Raises BlockingIOError for none."""
    descriptor, address = listening._accept()  # type: ignore[attr-defined]  # noqa: SLF001  accept() would wrap it
    return descriptor, address


def local_address(descriptor: int) -> tuple[str, int]:
    """This side's address of a connection."""
    wrapped = _wrap(descriptor)
    try:
        name: tuple[str, int] = wrapped.getsockname()
        return name
    finally:
        wrapped.detach()


def set_options(descriptor: int, *, keep_route: bool, no_delay: bool) -> None:
    """Forget a source route, unless it is to be kept; send small data at once, if asked. Best effort."""
    wrapped = _wrap(descriptor)
    try:
        if not keep_route:
            wrapped.setsockopt(_socket.IPPROTO_IP, IP_OPTIONS, b"")
        if no_delay:
            wrapped.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    except OSError:
        pass
    finally:
        wrapped.detach()


def _wrap(descriptor: int) -> socket:
    return _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, descriptor)


def send_all(descriptor: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(descriptor, data[done:])


class NameUnknown(Exception):
    """There is no such host."""


def addresses_of(host: bytes) -> list[str]:
    """The IPv4 addresses of a host name, from the hosts file and DNS.

    Raises NameUnknown, or OSError if that cannot be told now, or not of such a name.
    """
    if any(len(label) > LABEL_LIMIT for label in host.split(b".")):
        raise OSError(errno.EPROTO, "")
    try:
        found = _socket.getaddrinfo(host, None, _socket.AF_INET, _socket.SOCK_STREAM)
    except _socket.gaierror as error:
        if error.errno in (_socket.EAI_NONAME, _socket.EAI_NODATA):
            raise NameUnknown from error
        raise OSError(errno.EAGAIN, "") from error
    return [str(entry[4][0]) for entry in found]


def service_port(name: bytes) -> int | None:
    """The TCP port that /etc/services gives a name."""
    try:
        return _socket.getservbyname(os.fsdecode(name), "tcp")
    except (OSError, UnicodeError):
        return None
