"""How files are asked for: each step that a durable write is made of, so that a test can stop at any.

Every function raises OSError. A program that promises to keep something (the queue, a log
directory, a rules file) changes the disk through these and nothing else.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

BLOCK = 65536


def open_read(path: bytes) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def open_write(path: bytes) -> int:
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def stream(path: bytes) -> BinaryIO:
    """Open for reading line by line."""
    opened: BinaryIO = open(path, "rb", opener=lambda _path, _flags: open_read(path))
    return opened


def create_exclusive(path: bytes, mode: int = 0o644) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)


def create_empty(path: bytes, mode: int = 0o644) -> int:
    """Open for writing; what was in it is gone."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK, mode)


def open_append(path: bytes, mode: int = 0o600) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, mode)


def open_update(path: bytes, mode: int = 0o644) -> int:
    """Open for writing over what is there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, mode)


def write(descriptor: int, data: bytes | memoryview) -> int:
    return os.write(descriptor, data)


def write_parts(descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
    """Write several buffers as if they were one; the number of bytes written."""
    return os.writev(descriptor, parts)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte, however many calls that takes."""
    done = write(descriptor, data)  # type: ignore[arg-type]
    if done < len(data):
        view = memoryview(data)
        while done < len(view):
            done += write(descriptor, view[done:])


def write_parts_all(descriptor: int, parts: Sequence[bytes | memoryview]) -> None:
    """Write every byte of several buffers, without putting them together if one call is enough."""
    done = write_parts(descriptor, parts)
    if done < sum([len(part) for part in parts]):
        write_all(descriptor, memoryview(b"".join(parts))[done:])


def write_at(descriptor: int, data: bytes, position: int) -> int:
    """Write over what is there; the number of bytes written."""
    return os.pwrite(descriptor, data, position)


def cut(descriptor: int, size: int) -> None:
    """Let the file end after so many bytes."""
    os.ftruncate(descriptor, size)


def blocks(descriptor: int, size: int = BLOCK) -> Iterator[bytes]:
    """What can be read from the descriptor, as it comes, to the end of file."""
    while block := os.read(descriptor, size):
        yield block


def sync(descriptor: int) -> None:
    os.fsync(descriptor)


def sync_directory(path: bytes) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync_names(path: bytes) -> None:
    """The same in a directory that we may write to and perhaps not read, which only the system as a whole
    can then do.
    """
    try:
        sync_directory(path)
    except PermissionError:
        os.sync()


def truncate(descriptor: int, size: int) -> None:
    os.ftruncate(descriptor, size)


def link(old: bytes, new: bytes) -> None:
    os.link(old, new)


def rename(old: bytes, new: bytes) -> None:
    os.rename(old, new)


def unlink(path: bytes) -> None:
    os.unlink(path)


def unlink_if_possible(path: bytes) -> None:
    """Tidy up. A leftover does no harm."""
    try:
        unlink(path)
    except OSError:
        pass


def unlink_if_there(path: bytes) -> None:
    """Remove what somebody else may have removed."""
    try:
        unlink(path)
    except FileNotFoundError:
        pass


def change_mode(target: bytes | int, mode: int) -> None:
    os.chmod(target, mode)


def set_times(path: bytes, seconds: int) -> None:
    """Make a file one that was last read and written then."""
    os.utime(path, (seconds, seconds))


def close(descriptor: int) -> None:
    os.close(descriptor)


def rewind(descriptor: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)


def look(path: bytes) -> os.stat_result:
    return os.stat(path)


def state(descriptor: int) -> os.stat_result:
    return os.fstat(descriptor)


def names(path: bytes) -> list[bytes]:
    """The names in a directory, in no order."""
    return os.listdir(path)


def make_directory(path: bytes, mode: int) -> None:
    os.mkdir(path, mode)


def enter(directory: int) -> None:
    """Make an open directory the working directory."""
    os.fchdir(directory)


def lock(descriptor: int) -> None:
    """Take the lock that every program of this family takes, once nobody else has it."""
    import fcntl  # noqa: PLC0415  (few programs lock)

    fcntl.flock(descriptor, fcntl.LOCK_EX)


def lock_at_once(descriptor: int) -> None:
    """Take that lock. BlockingIOError if another has it."""
    import fcntl  # noqa: PLC0415  (few programs lock)

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
