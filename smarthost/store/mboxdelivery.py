"""A message appended to an mbox (mbox(5)), under the lock that every program of this family takes.

The commit point is the file's sync (for a new file, its directory's too). What fails before it is
cut off again. What cannot be prevented is that a crash leaves a part of the message at the end: the
next message then begins on a line of its own, so that nobody takes it for more of that part.
"""

from __future__ import annotations

import os
import stat

from smarthost.errors import Deferred
from smarthost.formats import mbox
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Final, NoReturn

# Somebody who holds the lock that long may hold it forever.
PATIENCE: Final = 30

SLOW_LOCK: Final = "File has been locked for 30 seconds straight. (#4.3.0)"


class _Unreadable(Exception):
    pass


def deliver(path: bytes, head: bytes, message: int) -> None:
    """Deliver `head`, which begins with the From_ line, and what is to be read from `message`. Raises Deferred."""
    descriptor, locked = _open(path)
    try:
        start = _end_of(descriptor)
        try:
            _append(path, descriptor, start, head, message)
        except BaseException:
            if locked and start is not None:
                _cut_off(descriptor, start)
            raise
    except _Unreadable as error:
        raise Deferred(f"Unable to read message: {error}. (#4.3.0)") from error
    except OSError as error:
        raise Deferred(f"Unable to write {os.fsdecode(path)}: {errtext.reason(error)}. (#4.3.0)") from error
    finally:
        os.close(descriptor)


def _open(path: bytes) -> tuple[int, bool]:
    """The mbox, made if missing, and whether it could be locked."""
    handler = signals.exchange(signals.SIGALRM, _too_slow)
    try:
        signals.alarm(PATIENCE)
        while True:
            try:
                descriptor = files.open_append(path)
            except OSError as error:
                raise Deferred(
                    f"Unable to open {os.fsdecode(path)}: {errtext.reason(error)}. (#4.2.1)"
                ) from error
            try:
                locked = _lock(descriptor)
                # Who held the lock may have put another file in this one's place.
                if _is_called(descriptor, path):
                    return descriptor, locked
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    finally:
        signals.alarm(0)
        signals.exchange(signals.SIGALRM, handler)


def _too_slow(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise Deferred(SLOW_LOCK)


def _lock(descriptor: int) -> bool:
    try:
        files.lock(descriptor)
    except OSError:
        return False
    return True


def _is_called(descriptor: int, path: bytes) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), files.look(path))
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it could be opened, and that is all we know


def _end_of(descriptor: int) -> int | None:
    """Its size; None if it is no file that has one."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_END)
    except OSError:
        return None


def _append(path: bytes, descriptor: int, start: int | None, head: bytes, message: int) -> None:
    quoter = mbox.Quoter()
    text = (b"\n\n" if start and _ends_within_a_line(path, descriptor, start) else b"") + head
    while True:
        try:
            block = os.read(message, files.BLOCK)
        except OSError as error:
            raise _Unreadable(errtext.reason(error)) from error
        text += quoter.feed(block) if block else quoter.finish()
        if text:
            files.write_all(descriptor, text)
        text = b""
        if not block:
            break
    files.sync(descriptor)
    if start == 0 and stat.S_ISREG(os.fstat(descriptor).st_mode):
        files.sync_names(os.path.dirname(path) or b".")


def _ends_within_a_line(path: bytes, descriptor: int, size: int) -> bool:
    """Whether its last line has no newline. Where we may not look, none."""
    try:
        reading = files.open_read(path)
    except OSError:
        return False
    try:
        same = os.path.samestat(os.fstat(descriptor), os.fstat(reading))
        return same and os.pread(reading, 1, size - 1) not in (b"\n", b"")
    except OSError:
        return False
    finally:
        os.close(reading)


def _cut_off(descriptor: int, size: int) -> None:
    try:
        files.truncate(descriptor, size)
    except OSError:
        pass
