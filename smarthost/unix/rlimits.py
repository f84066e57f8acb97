"""Resource limits of this process, as unsigned numbers: the largest, 2**64 - 1, is no limit."""

from __future__ import annotations

import errno
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

UNLIMITED: Final = 2**64 - 1

ADDRESS_SPACE: Final = resource.RLIMIT_AS
CORE: Final = resource.RLIMIT_CORE
CPU: Final = resource.RLIMIT_CPU
DATA: Final = resource.RLIMIT_DATA
FILE_SIZE: Final = resource.RLIMIT_FSIZE
LOCKED: Final = resource.RLIMIT_MEMLOCK
OPEN_FILES: Final = resource.RLIMIT_NOFILE
PROCESSES: Final = resource.RLIMIT_NPROC
RESIDENT: Final = resource.RLIMIT_RSS
STACK: Final = resource.RLIMIT_STACK


def limits(kind: int) -> tuple[int, int]:
    """The soft and the hard limit. Raises OSError."""
    soft, hard = resource.getrlimit(kind)
    # The resource module shows them, or no limit alone, as signed: that is -1.
    return soft % 2**64, hard % 2**64


def set_soft(kind: int, value: int) -> None:
    """Set the soft limit, and leave the hard one. Raises OSError."""
    _, hard = resource.getrlimit(kind)
    try:
        try:
            resource.setrlimit(kind, (value, hard))
        except OverflowError:  # before Python 3.14 it takes them as signed
            resource.setrlimit(kind, (value - 2**64, hard))
    except ValueError as error:  # what the module makes of these two errors of the system
        raise OSError(errno.EINVAL if value > hard % 2**64 else errno.EPERM, str(error)) from error


def in_use() -> dict[int, int]:
    """Bytes of address space (at its peak) and of data that this process takes, by their limits' kinds.

    Empty where the system does not tell.
    """
    found: dict[int, int] = {}
    names = {b"VmPeak": ADDRESS_SPACE, b"VmData": DATA}
    try:
        with open("/proc/self/status", "rb") as status:
            for line in status:
                name, _, rest = line.partition(b":")
                if name in names:
                    found[names[name]] = int(rest.split()[0]) * 1024
    except OSError:
        pass
    return found
