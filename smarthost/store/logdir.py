"""A log directory, as multilog keeps it; another program may take it over at any moment.

current    being written; mode 644, and 744 once it is safely on the disk and nobody writes it
previous   a full current on its way to become an old file; 744 from when that may begin
processed  what the processor makes of previous; 744 when it is complete
newstate   what the processor writes on its descriptor 5; state is what it finds on descriptor 4
@LABEL.s   an old file, complete. @LABEL.u one that an outage may have cut
lock       locked while a program looks after the directory

The commit point of a full file is its fsync, before the first name changes. Every step after it can be
repeated: `open` does so for a directory that was left at any of them. A step that fails later is tried
again every five seconds, with a warning, until it succeeds: nothing is given up and nothing is lost.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.formats import tai64
from smarthost.policy import rotation
from smarthost.unix import errtext, files, process, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, TypeVar

    from smarthost.policy.logscript import Directory

    Result = TypeVar("Result")
    # Told "unable to do this, pausing: reason"; comes back when it is time to try again.
    Pause = Callable[[str], None]

_OWNER_RUNS: Final = 0o100  # the mode bit that says: complete
_OPEN: Final = 0o644
_COMPLETE: Final = 0o744
_SAFE: Final = b".s"
_UNSAFE: Final = b".u"
_NAME: Final = tai64.LABEL  # an old file's name is at least this long


class LogDir:
    """One open log directory. `clock` answers nanoseconds since 1970."""

    __slots__ = (
        "_clock",
        "_current",
        "_descriptor",
        "_lock",
        "_order",
        "_pause",
        "_used",
        "name",
    )

    def __init__(self, order: Directory, clock: Callable[[], int], pause: Pause) -> None:
        self._order = order
        self._clock = clock
        self._pause = pause
        self._used = 0
        self._current = self._descriptor = self._lock = -1
        self.name = os.fsdecode(order.path)

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

        mode, size = self._look(b"current")
        if mode & _OWNER_RUNS:
            self._current = attempt(f"append to {self.name}/current", files.open_append, b"current")
            attempt(f"set mode of {self.name}/current", files.change_mode, self._current, _OPEN)
            self._used = size
            return
        files.unlink_if_possible(b"state")
        files.unlink_if_possible(b"newstate")
        if self._look(b"processed")[0] & _OWNER_RUNS:
            files.unlink_if_possible(b"previous")
            self._retire(b"processed", _SAFE)
        else:
            files.unlink_if_possible(b"processed")
            self._retire(b"previous", _UNSAFE)
        self._retire(b"current", _UNSAFE)
        files.close(attempt(f"write to {self.name}/state", files.create_empty, b"state"))
        self._current = attempt(f"write to {self.name}/current", files.open_append, b"current")
        attempt(f"set mode of {self.name}/current", files.change_mode, self._current, _OPEN)
        self._used = 0

    def close(self) -> None:
        """Leave a directory that says so: current is complete."""
        self._persist(f"write {self.name}/current to disk", files.sync, self._current)
        self._persist(f"set mode of {self.name}/current", files.change_mode, self._current, _COMPLETE)
        self.abandon()

    def abandon(self) -> None:
        """Close what is open, as the end of the process would."""
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
        self._persist(f"write {name}/current to disk", files.sync, self._current)
        files.close(self._current)
        self._current = -1
        self._persist(
            f"rename current to previous in directory {name}", files.rename, b"current", b"previous"
        )
        self._current = self._persist(f"create {name}/current", files.open_append, b"current")
        self._used = 0
        self._persist(f"set mode of {name}/current", files.change_mode, self._current, _OPEN)
        self._persist(f"set mode of {name}/previous", files.change_mode, b"previous", _COMPLETE)
        if self._order.processor is None:
            self._retire(b"previous", _SAFE)
            return
        while not self._process(self._order.processor):
            self._pause(f"processor failed in {name}, pausing")
        self._make_safe(b"processed", _COMPLETE)
        self._make_safe(b"newstate", None)
        self._persist(f"remove {name}/previous", files.unlink, b"previous")
        self._persist(f"rename newstate to state in directory {name}", files.rename, b"newstate", b"state")
        self._retire(b"processed", _SAFE)

    def _process(self, command: bytes) -> bool:
        """Feed previous to the processor: did it succeed?"""
        opened = [
            (0, b"previous", shell.READ),
            (1, b"processed", shell.REPLACE),
            (4, b"state", shell.READ),
            (5, b"newstate", shell.REPLACE),
        ]
        while True:
            try:
                child = shell.start(command, opened, lambda error: _lament(command, error))
                break
            except OSError as error:
                self._pause(f"unable to fork for processor in {self.name}, pausing: {errtext.reason(error)}")
        try:
            status = process.wait(child)
        except OSError as error:
            self._pause(f"wait failed for processor in {self.name}, pausing: {errtext.reason(error)}")
            return False
        if status < 0:
            self._pause(f"processor crashed in {self.name}, pausing: signal {-status}")
        return status == 0

    def _make_safe(self, path: bytes, mode: int | None) -> None:
        """What the processor wrote goes to the disk, and says so."""
        shown = f"{self.name}/{os.fsdecode(path)}"
        descriptor = self._persist(f"create {shown}", files.open_append, path)
        try:
            self._persist(f"write {shown} to disk", files.sync, descriptor)
            if mode is not None:
                self._persist(f"set mode of {shown}", files.change_mode, descriptor, mode)
        finally:
            files.close(descriptor)

    def _retire(self, path: bytes, ending: bytes) -> None:
        """Give a file its final name, and remove the oldest files beyond the limit."""
        name = self.name
        shown = os.fsdecode(path)
        while True:
            try:
                state = files.look(path)
                break
            except FileNotFoundError:
                return
            except OSError as error:
                self._pause(f"unable to stat {name}/{shown}, pausing: {errtext.reason(error)}")
        # With a second link it has its final name already: we were stopped just after giving it.
        if state.st_nlink == 1:
            while True:
                final = tai64.label(self._clock()) + ending
                try:
                    files.link(path, final)
                    break
                except OSError as error:
                    self._pause(
                        f"unable to link to {name}/{os.fsdecode(final)}, pausing: {errtext.reason(error)}"
                    )
        self._persist(f"remove {name}/{shown}", files.unlink, path)
        old = self._old_files()
        while len(old) >= self._order.files:
            oldest = min(old)
            self._persist(f"remove {name}/{os.fsdecode(oldest)}", files.unlink, oldest)
            old.remove(oldest)

    def _old_files(self) -> list[bytes]:
        names = self._persist(f"read {self.name}", files.names, b".")
        return [name for name in names if name.startswith(b"@") and len(name) >= _NAME]

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
        """Carry out one step, however long it takes until it succeeds."""
        while True:
            try:
                return step(*arguments)
            except OSError as error:
                self._pause(f"unable to {what}, pausing: {errtext.reason(error)}")


def attempt(what: str, step: Callable[..., Result], *arguments: object) -> Result:
    """Carry out one step before the first line is read: a failure ends the program."""
    try:
        return step(*arguments)
    except OSError as error:
        raise Temporary(f"unable to {what}: {errtext.reason(error)}") from error


def _lament(command: bytes, error: OSError) -> int:
    """The last words of a child that cannot become the processor, and its exit status."""
    words = Temporary(f"unable to run {os.fsdecode(command)}: {errtext.reason(error)}")
    os.write(2, os.fsencode(words.line("multilog")))
    return words.status
