"""Input taken so that what was not dealt with is still there when this process is killed.

On Linux tee(2) copies what is in a pipe and leaves it there. So lines are looked at, written, and only then
taken out of the pipe: whoever reads it next finds every line that a kill -9 kept from being written.
Where input is no pipe, or there is no tee, it is read as usual.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat

from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    Tee = Callable[[int, int, int], int]
    # The descriptor, signals to watch, tee(2), and a pipe that all parts of the first fit into.
    PipeWay = Callable[[int, Sequence[int], Tee, tuple[int, int]], "Intake"]

# What is looked at in one go: a pipe may hold as much again meanwhile.
BLOCK: Final = 131072

# While we look at one block the producer can fill the rest, and does not wait for our disk.
PIPE_SIZE: Final = 262144

# An unfinished line stays in the pipe, which is therefore always readable: we wait for the next write
# to it. Should a kernel fail to tell of one, this many seconds later we look again.
SECOND_LOOK: Final = 1.0

_SPLICE_F_NONBLOCK: Final = 2


def load_tee() -> Tee | None:
    """tee(2), which Python has no function for; None where the system has none either."""
    try:
        import ctypes  # noqa: PLC0415  (who reads no pipe does without its 10 ms)

        call = ctypes.CDLL(None, use_errno=True).tee
    except (ImportError, OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint]
    call.restype = ctypes.c_ssize_t

    def tee(source: int, copy: int, length: int) -> int:
        done: int = call(source, copy, length, _SPLICE_F_NONBLOCK)
        if done < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return done

    return tee


def open_intake(descriptor: int, watched: Sequence[int], pipe: PipeWay | None = None) -> Intake:
    """The safest way in that this descriptor allows. `watched` signals are caught from now on.

    `pipe` is what to make of a pipe, a PipeIntake unless something else is wanted.
    """
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            tee = load_tee()
            copy = pipe_like(descriptor) if tee is not None else None
            if tee is not None and copy is not None:
                return (pipe or PipeIntake)(descriptor, watched, tee, copy)
    except OSError:
        pass  # a descriptor that is not open: reading it will say so
    return Intake(descriptor, watched)


def pipe_like(descriptor: int) -> tuple[int, int] | None:
    """A pipe that a copy of all parts of that pipe fits into, once that is as large as it may get.

    None if there is no room for one: an unfinished line in many parts could hide what is behind it.
    """
    try:
        fcntl.fcntl(
            descriptor, fcntl.F_SETPIPE_SZ, max(PIPE_SIZE, fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ))
        )
    except OSError:
        pass  # the user has no more room for pipes: a smaller one does
    size = fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)
    copy = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if fcntl.fcntl(copy[1], fcntl.F_GETPIPE_SZ) < size:
            fcntl.fcntl(copy[1], fcntl.F_SETPIPE_SZ, size)
    except OSError:
        for end in copy:
            os.close(end)
        return None
    return copy


class Intake:
    """What comes in on a descriptor, and the signals that come in between.

    `look` answers all that came and was not taken; `take` says how much of it was dealt with.
    """

    def __init__(self, descriptor: int, watched: Sequence[int]) -> None:
        self._descriptor = descriptor
        self._kept = b""
        self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for signum in watched:
            signals.catch(signum, lambda _signum, _frame: None)
        signals.wake_by(self._wake[1])
        signals.unblock(watched)
        self._poll = select.poll()
        self._poll.register(self._wake[0], select.POLLIN)
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, patience: float | None = None) -> bytes:
        """Wait for input or a signal, so many seconds at most; the numbers of the signals that came, a byte each."""
        self._sleep(patience)
        return self._signals()

    def wait_for_signal(self, patience: float | None = None) -> bytes:
        """The same, when there is no more input."""
        select.select([self._wake[0]], [], [], patience)
        return self._signals()

    def _sleep(self, patience: float | None) -> None:
        self._poll.poll(None if patience is None else int(patience * 1000) + 1)

    def _signals(self) -> bytes:
        try:
            return os.read(self._wake[0], 64)
        except BlockingIOError:
            return b""

    @property
    def seen(self) -> int:
        """How much of what the next look answers was in the last one, too."""
        return len(self._kept)

    def look(self) -> tuple[bytes, bool]:
        """What is there, and whether more may come. A failure to read is the end, as in the original."""
        try:
            block = os.read(self._descriptor, BLOCK)
        except OSError:
            block = b""
        self._kept += block
        return self._kept, bool(block)

    def take(self, size: int) -> None:
        self._kept = self._kept[size:]

    def begun(self) -> bytes:
        """Take the line that has been seen without its end."""
        begun, self._kept = self._kept, b""
        return begun

    def rest_of_line(self) -> bytes:
        """Take byte after byte to the end of the line, and leave what is behind it to others."""
        taken = b""
        while taken[-1:] != b"\n":
            try:
                byte = os.read(self._descriptor, 1)
            except OSError:
                break
            if not byte:
                break
            taken += byte
        return taken

    def close(self) -> None:
        signals.wake_by(-1)
        for descriptor in self._wake:
            os.close(descriptor)


class PipeIntake(Intake):
    """A pipe: what was looked at stays in it until it is taken."""

    def __init__(self, descriptor: int, watched: Sequence[int], tee: Tee, copy: tuple[int, int]) -> None:
        super().__init__(descriptor, watched)
        self._tee = tee
        self._seen = 0
        self._more = True  # there may be something that we have not looked at
        self._copy = copy
        self._nowhere = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        self._changes = select.epoll()
        self._changes.register(self._wake[0], select.EPOLLIN)
        self._changes.register(descriptor, select.EPOLLIN | select.EPOLLET)

    def _sleep(self, patience: float | None) -> None:
        if self._more:
            self._changes.poll(0)
        elif self._seen:
            self._changes.poll(SECOND_LOOK if patience is None else min(SECOND_LOOK, patience))
        else:
            self._changes.poll(patience)
        self._more = True

    @property
    def seen(self) -> int:
        return self._seen

    def look(self) -> tuple[bytes, bool]:
        try:
            size = self._tee(self._descriptor, self._copy[1], BLOCK)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                return b"", False
            self._more = False
            return b"", True
        text = os.read(self._copy[0], size) if size else b""
        news = size > self._seen
        self._seen = size
        if news:
            return text, True
        self._more = False
        return text, bool(size) and not self._is_over()

    def _is_over(self) -> bool:
        """Has every producer closed the pipe?"""
        return any(event & select.POLLHUP for number, event in self._poll.poll(0) if number != self._wake[0])

    def take(self, size: int) -> None:
        self._seen -= size
        self._discard(size)

    def _discard(self, size: int) -> None:
        """Take what we have a copy of: it is moved away, and not copied again."""
        while size:
            taken = os.splice(self._descriptor, self._nowhere, size)
            if not taken:
                break
            size -= taken

    def begun(self) -> bytes:
        begun = os.read(self._descriptor, self._seen) if self._seen else b""
        self._seen = 0
        return begun

    def close(self) -> None:
        super().close()
        self._changes.close()
        for descriptor in (*self._copy, self._nowhere):
            os.close(descriptor)
