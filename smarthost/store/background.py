"""A processor that the log does not wait for.

A full file is an old one at once, @LABEL.w, complete and safe. One such file after the other, the oldest first,
goes through the processor, in a child that also brings the result to the disk; then this process, which has
the lock, takes three steps: workstate becomes state, working becomes @LABEL.s (the commit point), @LABEL.w is
removed. The child changes no name: if this process is killed, what a child still writes has no part in
anything. `resume` removes what was half done and begins again; of @LABEL.w and @LABEL.s together the first is
removed. A processor that fails is tried again every five seconds, while lines come and go.
"""

from __future__ import annotations

import os

from smarthost.store import processor
from smarthost.store.oldfiles import SAFE, WAITS
from smarthost.unix import errtext, fds, files, process, shell, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from smarthost.store.oldfiles import OldFiles
    from smarthost.store.steps import Warn

WORKING: Final = b"working"
WORKSTATE: Final = b"workstate"
STATE: Final = b"state"

AGAIN: Final = 5_000_000_000  # nanoseconds after a failure, as with the processor that is waited for

# How long a processor may take to end itself when we have to go; it has no work to save.
COURTESY: Final = 1.0

# A processor's descriptors, of those that it writes to.
RESULT: Final = 1
NEXT_STATE: Final = 5

_FAILED: Final = 1
_CRASHED: Final = 128  # and the signal


class Background:
    __slots__ = ("_again", "_child", "_clock", "_command", "_file", "_old", "_warn")

    def __init__(self, command: bytes, old: OldFiles, clock: Callable[[], int], warn: Warn) -> None:
        self._command = command
        self._old = old
        self._clock = clock
        self._warn = warn
        self._child = 0
        self._file = b""  # that the child works on
        self._again: int | None = None

    @property
    def is_busy(self) -> bool:
        return self._child != 0

    @property
    def due(self) -> int | None:
        return self._again

    def resume(self) -> None:
        """In a directory that somebody left: begin with what waits there."""
        files.unlink_if_possible(WORKING)
        files.unlink_if_possible(WORKSTATE)
        names = set(self._old.names())
        for name in names:
            if name.endswith(WAITS) and _result_of(name) in names:
                files.unlink_if_possible(name)
        self.start()

    def start(self) -> None:
        """Let a child work on the oldest file that waits, unless one is at work."""
        if self._child:
            return
        self._again = None
        waiting = self._old.waiting()
        if not waiting:
            return
        self._file = waiting[0]
        descriptors: list[int] = []
        try:
            # Opened here, where the lock is: another program may have it when the child comes to that.
            for leftover in (WORKING, WORKSTATE):
                files.unlink_if_there(leftover)
            descriptors.append(files.open_read(self._file))
            descriptors.append(files.create_exclusive(WORKING))
            descriptors.append(_open_state())
            descriptors.append(files.create_exclusive(WORKSTATE))
            places = list(zip((0, RESULT, 4, NEXT_STATE), descriptors, strict=True))
            self._child = process.fork_group(lambda: _work(self._command, places))
        except OSError as error:
            self._fail(f"unable to start processor in {self._old.name}: {errtext.reason(error)}")
        finally:
            for descriptor in descriptors:
                files.close(descriptor)

    def tend(self, now: int) -> None:
        """Carry on with what a child has finished, or try again."""
        if self._child:
            status = process.ended(self._child)
            if status is None:
                return
            self._child = 0
            self._settle(status)
        elif self._again is not None and (now >= self._again or now < self._again - AGAIN):
            self.start()

    def end(self) -> None:
        """Stop at once. Who opens the directory next begins again with this file."""
        self._again = None
        if not self._child:
            return
        process.end_group(self._child, COURTESY)
        self._child = 0

    def _settle(self, status: int) -> None:
        name = self._old.name
        if status > _CRASHED:
            self._fail(f"processor crashed in {name}, trying again: signal {status - _CRASHED}")
            return
        if status:
            self._fail(f"processor failed in {name}, trying again")
            return
        try:
            if self._file in self._old.names():  # else it had to go meanwhile
                files.change_mode(WORKING, processor.COMPLETE)
                files.rename(WORKSTATE, STATE)
                files.rename(WORKING, _result_of(self._file))
                files.unlink_if_there(self._file)
        except OSError as error:
            self._fail(f"unable to finish {name}/{os.fsdecode(self._file)}: {errtext.reason(error)}")
            return
        self._old.trim()
        self.start()

    def _fail(self, what: str) -> None:
        self._warn(what)
        self._again = self._clock() + AGAIN


def _result_of(name: bytes) -> bytes:
    return name.removesuffix(WAITS) + SAFE


def _open_state() -> int:
    """What the processor before wrote; nothing at first."""
    try:
        return files.open_read(STATE)
    except FileNotFoundError:
        return files.open_read(b"/dev/null")


def _work(command: bytes, places: Sequence[tuple[int, int]]) -> int:
    """In the child: the processor, and then the disk. Its exit status tells what came of it.

    It lets go of everything else first: of the lock above all, which a successor of ours must get.
    """
    signals.wake_by(-1)
    for signum in (signals.SIGTERM, signals.SIGALRM, signals.SIGCHLD):
        signals.uncatch(signum)
    for place, descriptor in [(place, fds.high(descriptor)) for place, descriptor in places]:
        os.dup2(descriptor, place)
    fds.Others((2, *(place for place, _ in places))).close()

    def processor_itself() -> int:
        try:
            shell.become(command)
        except OSError as error:
            return processor.lament(command, error)

    status = process.wait(process.fork_child(processor_itself))
    if status < 0:
        return _CRASHED - status
    if status:
        return _FAILED
    for written in (RESULT, NEXT_STATE):
        files.sync(written)
    return 0
