"""Who keeps the table of hosts that did not answer in time, queue/lock/tcpto? Whoever holds its lock.

A record is written by one write(2) and nothing is synced: what is lost here costs one more time-out. Where the
file cannot be used there is no table, and no host is passed over.
"""

from __future__ import annotations

import os

from smarthost.formats import tcpto
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

PLACE: Final = b"/queue/lock/tcpto"


class Table:
    """The table of a home. Addresses are four bytes; any other is not in it."""

    __slots__ = ("_known", "_path")

    def __init__(self, home: bytes) -> None:
        self._path = home + PLACE
        self._known = False

    def passes_over(self, address: bytes, now: int, pid: int) -> bool:
        """Whether the host timed out so often, and so lately, that it is not to be tried."""
        entry = None
        if len(address) == 4:
            try:
                entry = tcpto.find(read(self._path), address)
            except OSError:
                pass
        self._known = entry is not None
        return tcpto.is_passed_over(entry, now, pid)

    def answered(self, address: bytes) -> None:
        """What was asked about last answers, or says no. What is not in the table costs nothing."""
        if self._known:
            self._write(lambda table: tcpto.answered(table, address))

    def timed_out(self, address: bytes, now: int) -> None:
        if len(address) == 4:
            self._write(lambda table: tcpto.timed_out(table, address, now))

    def _write(self, change: Callable[[bytes], tcpto.Change | None]) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                files.lock(descriptor)
                changed = change(os.pread(descriptor, tcpto.SIZE, 0))
                if changed is not None:
                    os.pwrite(descriptor, changed[1], changed[0])
            finally:
                os.close(descriptor)
        except OSError:
            pass


def read(path: bytes) -> bytes:
    """The whole table, as it is between two changes. Raises OSError; `strerror` is the step that failed.

    The lock wants a descriptor that can write, as in the original, so that who may only look cannot stop
    those who deliver.
    """
    step = "open"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            step = "lock"
            files.lock(descriptor)
            step = "read"
            return os.pread(descriptor, tcpto.SIZE, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OSError(error.errno, step) from error


def clear(path: bytes, *, wait: bool) -> None:
    """Forget every host; `wait` for the lock. Raises OSError; `strerror` is the step that failed."""
    step = "write"
    try:
        descriptor = files.open_write(path)
        try:
            if wait:
                step = "lock"
                files.lock(descriptor)
            step = "clear"
            files.write_all(descriptor, tcpto.EMPTY)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OSError(error.errno, step) from error
