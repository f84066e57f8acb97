"""A pipe that never makes its producer wait: what cannot be written is held in memory, and then dropped.

As long as lines are written as fast as they come, all is as with any pipe: they leave it when they are written. A
second thread sees when the pipe fills up while the first is busy (with a slow disk, a full one, a processor). Then
it takes what is in the pipe, and goes on taking, until the first has caught up. What it takes, a kill -9 loses:
so it notes that before it does (store/account.py).
"""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import select
import sys
import termios
import time

from smarthost.policy.overflow import Count
from smarthost.unix import signals
from smarthost.unix.intake import BLOCK, PipeIntake, pipe_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Protocol

    from smarthost.policy.overflow import Overflow
    from smarthost.unix.intake import Tee

    class Notes(Protocol):
        """Told of totals: before lines leave the pipe, and after they were dealt with."""

        def note_came(self, total: Count) -> None: ...
        def note_went(self, total: Count) -> None: ...


# A page may be half empty, and so a pipe with half of its bytes may be full: this share of it is pressing.
PRESSING: Final = 4

# The first thread may be busy so long, in seconds, before the second takes even a few lines.
LONG: Final = 0.1

# How often the second thread looks at a pipe that is not pressing yet, and at most how often at any.
GLANCE: Final = 0.005
REST: Final = 0.001


class OverflowIntake(PipeIntake):
    """`held` is what is kept of them in memory."""

    def __init__(
        self,
        descriptor: int,
        watched: Sequence[int],
        tee: Tee,
        copy: tuple[int, int],
        *,
        held: Overflow,
        notes: Notes,
    ) -> None:
        super().__init__(descriptor, watched, tee, copy)
        peek = pipe_like(descriptor)
        if peek is None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self._peek = peek
        self._size = fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)
        self._held = held
        self._went = Count()
        self._notes = notes
        self._owned = False  # the second thread takes what comes, and the first what is held
        self._ended = False
        self._woken = False
        self._busy_since: float | None = None
        self._lock = _thread.allocate_lock()
        self._stop = os.pipe2(os.O_CLOEXEC)
        self._over = _thread.allocate_lock()
        self._over.acquire()
        self._is_pumped = True
        _thread.start_new_thread(self._pump, ())

    # The first thread

    def _sleep(self, patience: float | None) -> None:
        with self._lock:
            owned = self._owned
            ready = self._held.ready > self._seen or self._held.gap is not None or self._ended
            self._busy_since = None
            self._woken = False  # what it was woken for is ready now
        if owned:
            select.select([self._wake[0]], [], [], 0 if ready else patience)
        else:
            super()._sleep(patience)
        self._busy_since = time.monotonic()

    def look(self) -> tuple[bytes, bool]:
        with self._lock:
            if not self._owned:
                return super().look()
            seen = self._seen
            text = self._held.front(max(BLOCK, seen))
            self._seen = len(text)
            is_last = self._ended and self._held.gap is None and len(text) == seen
            return text, not is_last

    def take(self, size: int) -> None:
        with self._lock:
            if not self._owned:
                super().take(size)
                return
            self._seen -= size
            self._settle(self._held.take(size))
        self._notes.note_went(self._went)

    @property
    def gap(self) -> Count | None:
        with self._lock:
            return self._held.gap

    def forget_gap(self) -> None:
        with self._lock:
            self._settle(self._held.forget_gap())
        self._notes.note_went(self._went)

    def _settle(self, count: Count) -> None:
        """With the lock. All is as with any pipe again when nothing is held and the last gap is told of."""
        self._went.add_count(count)
        if self._held.is_over and not self._ended:
            self._owned = False
            self._more = True

    @property
    def is_behind(self) -> bool:
        with self._lock:
            return self._held.ready > self._seen or self._held.gap is not None

    def stop_taking(self) -> None:
        if self._is_pumped:
            self._is_pumped = False
            os.write(self._stop[1], b"\0")
            self._over.acquire()

    def begun(self) -> bytes:
        if not self._owned:
            return super().begun()
        text = self._held.front(self._seen)
        self.take(len(text))
        return text

    def close(self) -> None:
        self.stop_taking()
        super().close()
        for descriptor in (*self._peek, *self._stop):
            os.close(descriptor)

    # The second thread

    def _pump(self) -> None:
        signals.leave_to_others()
        changes = select.epoll()
        try:
            changes.register(self._stop[0], select.EPOLLIN)
            changes.register(self._descriptor, select.EPOLLIN | select.EPOLLET)
            patience: float | None = None
            while True:
                for number, _ in changes.poll(patience):
                    if number == self._stop[0]:
                        return
                if not self._owned:
                    time.sleep(REST)
                with self._lock:
                    patience = self._relieve()
        finally:
            changes.close()
            self._over.release()

    def _relieve(self) -> float | None:
        """With the lock. Take what is in the pipe if that is needed; when to look again, if nothing happens."""
        if not self._owned:
            waits = self._waiting()
            if self._busy_since is None:
                if waits > self._seen:
                    return GLANCE
                # Who goes on in one large write behind the beginning of a line that lies here wakes nobody
                # (pipe_write), and if the first thread then finds that by itself, this one has to as well.
                return LONG if waits else None
            pressing = waits * PRESSING >= self._size
            if not pressing and (waits <= self._seen or time.monotonic() - self._busy_since < LONG):
                return GLANCE
            self._owned = True
            seen = self._seen
        else:
            seen = 0
        while not self._ended:
            try:
                size = self._tee(self._descriptor, self._peek[1], self._size)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    self._ended = True
                break
            if not size:
                self._ended = True
                break
            text = os.read(self._peek[0], size)
            if seen:  # the first thread has this in hand
                self._held.hold(text[:seen])
            self._held.put(text[seen:], self._seen)
            seen = 0
            self._notes.note_came(self._held.came)
            self._discard(size)
        if not self._woken:
            self._woken = True
            os.write(self._wake[1], b"\0")
        return None

    def _waiting(self) -> int:
        """How many bytes are in the pipe."""
        return int.from_bytes(fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
