"""How UNIX-domain sockets are asked for: their names in the file system, and who is at the other end."""

from __future__ import annotations

import _socket
import errno
import os
import sys
from stat import S_ISSOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Final

# The kernel has room for one more byte, which C programs may use and Python does not.
PATH_LIMIT: Final = 107

# struct ucred is three ints: pid, uid, gid.
_INT: Final = 4


class Place:
    """Where a listening socket lies, and how: `owner` and `group` are -1, and `mode` 0, to leave them as made."""

    __slots__ = ("group", "mask", "mode", "owner", "path")

    def __init__(self, path: bytes, mask: int, mode: int, owner: int, group: int) -> None:
        self.path = path
        self.mask = mask
        self.mode = mode
        self.owner = owner
        self.group = group


def listener(place: Place, backlog: int) -> socket:
    """A listening socket that does not block. A socket that lies there is replaced; any other file is not.

    Raises OSError; its `strerror` is the step that failed.
    """
    step = "create socket"
    try:
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            step = "bind"
            _check(place.path)
            _clear(place.path)
            _bind(made, place.path, place.mask)
            try:
                step = "chown"
                os.chown(place.path, place.owner, place.group)
                step = "chmod"
                if place.mode:
                    os.chmod(place.path, place.mode)
                step = "listen"
                made.listen(backlog)
            except BaseException:
                os.unlink(place.path)
                raise
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise OSError(error.errno, step) from error
    made.setblocking(False)
    return made


def _check(path: bytes) -> None:
    """An empty name would be any that is free, and Python's word for a long one has no number."""
    if not path:
        raise FileNotFoundError(errno.ENOENT, "")
    if len(path) > PATH_LIMIT:
        raise OSError(errno.ENAMETOOLONG, "")


def _clear(path: bytes) -> None:
    """Remove a socket that an earlier server left. What else may lie there, bind will find in its way."""
    try:
        if S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass


def _bind(made: socket, path: bytes, mask: int) -> None:
    before = os.umask(mask)
    try:
        made.bind(path)
    finally:
        os.umask(before)


def identity(path: bytes) -> tuple[int, int]:
    """Which file this is: device and inode. Raises OSError."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def remove(path: bytes, which: tuple[int, int]) -> None:
    """Remove a socket, unless another server has put its own there. Best effort."""
    try:
        if identity(path) == which:
            os.unlink(path)
    except OSError:
        pass


def accept(listening: socket) -> int:
    """A client's descriptor (blocking, closed by exec). Raises BlockingIOError for none."""
    descriptor: int = listening._accept()[0]  # type: ignore[attr-defined]  # noqa: SLF001  accept() would wrap it
    return descriptor


def connect(path: bytes) -> socket:
    """A connection to the server at `path`. Raises OSError; its `strerror` is the step that failed."""
    step = "create socket"
    try:
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            step = f"connect to {os.fsdecode(path)}"
            _check(path)
            made.connect(path)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise OSError(error.errno, step) from error
    return made


def peer(descriptor: int) -> tuple[int, int, int]:
    """Who is at the other end, as the kernel knew it when it connected, or listened: uid, gid, pid."""
    wrapped = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)
    try:
        told = wrapped.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 3 * _INT)
    finally:
        wrapped.detach()
    pid, uid, gid = (int.from_bytes(told[at : at + _INT], sys.byteorder) for at in range(0, 3 * _INT, _INT))
    return uid, gid, pid
