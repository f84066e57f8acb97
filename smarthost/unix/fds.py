"""How descriptors are asked for."""

from __future__ import annotations

import errno
import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final


def null(descriptor: int) -> None:
    """Make `descriptor` read nothing and lose what is written."""
    opened = os.open(b"/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
    else:
        os.set_inheritable(descriptor, True)


def occupy_standard() -> None:
    """Open 0, 1 and 2 if they are not: nothing of ours may land where a program expects its own."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            null(descriptor)


def inherited() -> list[int]:
    """The descriptors above 2 that an exec would pass on: whoever started this process meant them to.

    To be asked before a change of identity.
    """
    found = []
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        try:
            if descriptor > 2 and os.get_inheritable(descriptor):
                found.append(descriptor)
        except OSError:
            continue  # the one that listed them
    return found


# Below it are the places where programs expect something of their own.
_HIGH: Final = 10


def high(descriptor: int) -> int:
    """Move a descriptor of ours out of the way. Its new number; closed by exec.

    Raises OSError, and then it is closed.
    """
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError as error:
        if error.errno == errno.EINVAL:  # the limit allows no number that high
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from error
        raise
    finally:
        os.close(descriptor)


# More than a process can have by far, and close_range(2) does not mind.
_END: Final = 2**20


class Others:
    """All descriptors but some. Not from a look into /proc: after a change of identity that is root's."""

    def __init__(self, keep: Iterable[int]) -> None:
        kept = sorted(keep)
        pairs = zip([-1, *kept], [*kept, _END], strict=True)
        self._gaps = [(before + 1, after) for before, after in pairs if before + 1 < after]

    def close(self) -> None:
        for first, end in self._gaps:
            os.closerange(first, end)


def duplicate(descriptor: int) -> int:
    """One more for the same, out of the way of descriptors that programs expect; closed by exec. Raises OSError."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)


def duplicate_to_standard(descriptor: int) -> None:
    """Make one descriptor both 0 and 1, as a UCSPI server does for its program."""
    os.dup2(descriptor, 0)
    os.dup2(descriptor, 1)
