"""A service directory, as those see it who steer what supervises it or ask how it is.

Every one of these files is named from the directory itself:

supervise/ok       a fifo that whoever supervises the service reads
supervise/control  a fifo from which that takes commands, a letter each
supervise/status   formats.status
down               is there if the service is not to start by itself
"""

from __future__ import annotations

import errno
import os

from smarthost.errors import Temporary
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OK = b"supervise/ok"
CONTROL = b"supervise/control"
STATUS = b"supervise/status"
DOWN = b"down"


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
