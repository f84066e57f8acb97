"""A service directory, as those see it who steer what supervises it or ask how it is.

Every one of these files is named from the directory itself:

supervise/ok       a fifo that whoever supervises the service reads
supervise/control  a fifo from which that takes commands, a letter each
supervise/status   formats.status
supervise/ready    formats.readiness; ours alone writes it, and
supervise/child    formats.lastchild
down               is there if the service is not to start by itself
notification-fd    is there if the service says when it is ready
"""

from __future__ import annotations

import errno
import os

from smarthost.errors import FormatError, Temporary
from smarthost.formats import lastchild, readiness
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OK = b"supervise/ok"
CONTROL = b"supervise/control"
STATUS = b"supervise/status"
READY = b"supervise/ready"
CHILD = b"supervise/child"
DOWN = b"down"
NOTIFICATION = b"notification-fd"


def visit(directories: Iterable[bytes]) -> Iterator[tuple[bytes, OSError | None]]:
    """Make each directory in turn the working directory, and come back. With it, why that could not be.

    Raises Temporary if there is no way back.
    """
    try:
        start = files.open_read(b".")
    except OSError as error:
        raise Temporary(f"unable to open current directory: {errtext.reason(error)}") from error
    try:
        for directory in directories:
            failure = None
            try:
                os.chdir(directory)
            except OSError as error:
                failure = error
            yield directory, failure
            try:
                files.enter(start)
            except OSError as error:
                raise Temporary(f"unable to set directory: {errtext.reason(error)}") from error
    finally:
        os.close(start)


def is_unattended(error: OSError) -> bool:
    """Whether a fifo could not be opened because nobody reads it: nobody supervises the service."""
    return error.errno == errno.ENXIO


def open_control() -> int:
    """Where commands are written, with patience if the fifo is full. Raises OSError."""
    descriptor = files.open_write(CONTROL)
    os.set_blocking(descriptor, True)
    return descriptor


def check_attended() -> None:
    """Raises OSError unless somebody supervises the service."""
    os.close(files.open_write(OK))


def is_normally_up() -> bool:
    """Raises OSError if that cannot be told."""
    try:
        files.look(DOWN)
    except FileNotFoundError:
        return True
    return False


def open_status() -> int:
    """Raises OSError. The file is replaced as a whole, so that one read gets all of one state."""
    return files.open_read(STATUS)


def ready_since(pid: int) -> int | None:
    """Since which second, as TAI64 counts it, the process has been ready; None if it has not said so."""
    try:
        return readiness.since(_content(READY, readiness.SIZE), pid)
    except (OSError, FormatError):
        return None


def says_when_ready() -> bool:
    try:
        files.look(NOTIFICATION)
    except OSError:
        return False
    return True


def is_finishing() -> bool:
    """Whether its ./finish is running. To be asked of one that is down."""
    try:
        return lastchild.unpack(_content(CHILD, lastchild.SIZE)).kind == lastchild.FINISH
    except (OSError, FormatError):
        return False


def _content(path: bytes, size: int) -> bytes:
    descriptor = files.open_read(path)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)
