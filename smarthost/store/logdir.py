"""A log directory, as multilog keeps it; another program may take it over at any moment.

current    being written; mode 644, and 744 once it is safely on the disk and nobody writes it
previous   a full current on its way to become an old file; 744 from when that may begin
processed  what the processor makes of previous; 744 when it is complete
newstate   what the processor writes on its descriptor 5; state is what it finds on descriptor 4
@LABEL.s   an old file, complete. @LABEL.u one that an outage may have cut: see oldfiles.py
lock       locked while a program looks after the directory
begun      with a limit of age only: which current got its first line when

The commit point of a full file is its fsync, before the first name changes. Every step after it can be
repeated: `open` does so for a directory that was left at any of them. A step that fails later is tried
again every five seconds, with a warning, until it succeeds: nothing is given up and nothing is lost.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.policy import rotation
from smarthost.store import processor
from smarthost.store.background import Background
from smarthost.store.begun import Begun
from smarthost.store.oldfiles import SAFE, UNSAFE, WAITS, OldFiles
from smarthost.store.steps import attempt, persist
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.policy.logscript import Directory
    from smarthost.store.steps import Pause, Result, Warn

_OWNER_RUNS: Final = 0o100  # the mode bit that says: complete
_OPEN: Final = 0o644


class LogDir:
    """One open log directory. `clock` answers nanoseconds since 1970."""

    __slots__ = (
        "_age",
        "_background",
        "_current",
        "_descriptor",
        "_lock",
        "_old",
        "_order",
        "_pause",
        "_used",
        "name",
    )

    def __init__(self, order: Directory, clock: Callable[[], int], pause: Pause, warn: Warn) -> None:
        self._order = order
        self._pause = pause
        self._used = 0
        self._current = self._descriptor = self._lock = -1
        self.name = os.fsdecode(order.path)
        self._old = OldFiles(order, clock, pause)
        self._age = Begun(order.age, clock) if order.age else None
        self._background = (
            Background(order.processor, self._old, clock, warn)
            if order.background and order.processor is not None
            else None
        )

    @property
    def prefix(self) -> bytes:
        return self._order.prefix

    @property
    def room(self) -> int:
        """Fewer bytes than this can go out in one write."""
        return rotation.room(self._used, self._order.size)

    @property
    def is_empty(self) -> bool:
        return self._used == 0

    # Beginning and end

    def open(self, start: int) -> None:
        """Make or take over the directory, seen from the directory `start`. Raises Temporary."""
        attempt("switch to starting directory", files.enter, start)
        try:
            files.make_directory(self._order.path, 0o700)
        except OSError:
            pass  # the next step knows whether that matters
        self._descriptor = attempt(f"open directory {self.name}", files.open_read, self._order.path)
        attempt(f"open directory {self.name}", files.enter, self._descriptor)
        self._lock = attempt(f"lock directory {self.name}", files.open_append, b"lock")
        attempt(f"lock directory {self.name}", files.lock_at_once, self._lock)
        self._open_current()
        if self._order.total:
            self._old.trim()
        if self._background is not None:
            self._background.resume()

    def _open_current(self) -> None:
        mode, size = self._look(b"current")
        if mode & _OWNER_RUNS:
            self._current = attempt(f"append to {self.name}/current", files.open_append, b"current")
            attempt(f"set mode of {self.name}/current", files.change_mode, self._current, _OPEN)
            self._used = size
            if self._age is not None and size:
                self._age.take_over(self._current)
            return
        files.unlink_if_possible(b"state")
        files.unlink_if_possible(b"newstate")
        if self._look(b"processed")[0] & _OWNER_RUNS:
            files.unlink_if_possible(b"previous")
            self._old.retire(b"processed", SAFE)
        else:
            files.unlink_if_possible(b"processed")
            self._old.retire(b"previous", UNSAFE)
        self._old.retire(b"current", UNSAFE)
        files.close(attempt(f"write to {self.name}/state", files.create_empty, b"state"))
        self._current = attempt(f"write to {self.name}/current", files.open_append, b"current")
        attempt(f"set mode of {self.name}/current", files.change_mode, self._current, _OPEN)
        self._used = 0

    def sync(self) -> None:
        """What current holds is safely on the disk."""
        self._persist(f"write {self.name}/current to disk", files.sync, self._current)

    def close(self) -> None:
        """Leave a directory that says so: current is complete. What works in the background is ended."""
        self.sync()
        if self._background is not None:
            self._background.end()
        self._persist(
            f"set mode of {self.name}/current", files.change_mode, self._current, processor.COMPLETE
        )
        self.abandon()

    def abandon(self) -> None:
        """Close what is open, as the end of the process would."""
        if self._background is not None:
            self._background.end()
        for descriptor in (self._current, self._lock, self._descriptor):
            if descriptor >= 0:
                files.close(descriptor)
        self._current = self._descriptor = self._lock = -1

    # Lines

    def append(self, data: bytes | memoryview) -> None:
        """Write a piece as the original does: what the file has room for, the rest into the next one."""
        while data:
            if self._used >= self._order.size:
                self.rotate()
            written = self._write([data[: rotation.piece(self._used, self._order.size, data)]])
            data = memoryview(data)[written:]

    def append_within_room(self, parts: list[bytes | memoryview], size: int) -> None:
        """Write less than `room` bytes at once; `size` is how many."""
        written = self._write(parts)
        if written < size:
            data = memoryview(b"".join(parts))
            while written < size:
                written += self._write([data[written:]])

    def _write(self, parts: list[bytes | memoryview]) -> int:
        if not self._used and self._age is not None:
            self._persist(f"switch to {self.name}", files.enter, self._descriptor)
            self._age.begin(self._current)
        while True:
            try:
                written = files.write_parts(self._current, parts)
                if written:
                    break
                why = "nothing written"
            except OSError as error:
                why = errtext.reason(error)
            self._pause(f"unable to write to {self.name}/current, pausing: {why}")
        self._used += written
        if self.room <= 0 and rotation.is_full(self._used, self._order.size, b"".join(parts)[written - 1]):
            self.rotate()
        return written

    # Rotation

    def rotate(self) -> None:
        """Make current an old file, and begin the next one."""
        name = self.name
        self._persist(f"switch to {name}", files.enter, self._descriptor)
        self.sync()
        files.close(self._current)
        self._current = -1
        self._persist(
            f"rename current to previous in directory {name}", files.rename, b"current", b"previous"
        )
        self._current = self._persist(f"create {name}/current", files.open_append, b"current")
        self._used = 0
        self._persist(f"set mode of {name}/current", files.change_mode, self._current, _OPEN)
        self._persist(f"set mode of {name}/previous", files.change_mode, b"previous", processor.COMPLETE)
        if self._background is not None:
            self._old.retire(b"previous", WAITS)
            self._background.start()
        elif self._order.processor is not None:
            processor.run(name, self._order.processor, self._pause)
            self._old.retire(b"processed", SAFE)
        else:
            self._old.retire(b"previous", SAFE)

    # What happens by itself

    @property
    def is_tended(self) -> bool:
        """Does anything happen here when no line comes?"""
        return self._age is not None or self._background is not None

    @property
    def is_busy(self) -> bool:
        """Is a processor at work in the background?"""
        return self._background is not None and self._background.is_busy

    def due(self) -> int | None:
        """The nanosecond since 1970 when to tend it, if not before; None: when a child has ended."""
        times = [
            time
            for time in (
                self._age.due if self._age is not None and self._used else None,
                self._background.due if self._background is not None else None,
            )
            if time is not None
        ]
        return min(times, default=None)

    def tend(self, now: int) -> None:
        """Finish a file that is too old, and see what the background has come to."""
        if self._age is not None and self._used and self._age.is_over(now):
            self.rotate()
        if self._background is not None:
            self._persist(f"switch to {self.name}", files.enter, self._descriptor)
            self._background.tend(now)

    # Failures

    def _look(self, path: bytes) -> tuple[int, int]:
        """Mode and size of a file, zeros if there is none."""
        try:
            state = files.look(path)
        except FileNotFoundError:
            return 0, 0
        except OSError as error:
            raise Temporary(
                f"unable to stat {self.name}/{os.fsdecode(path)}: {errtext.reason(error)}"
            ) from error
        return state.st_mode, state.st_size

    def _persist(self, what: str, step: Callable[..., Result], *arguments: object) -> Result:
        return persist(self._pause, what, step, *arguments)
