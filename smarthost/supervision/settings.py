"""What a service's directory says about how it is to be run, beyond daemontools: a file for each thing.

notification-fd  the descriptor on which it will write a line once it is ready
down-signal      the signal, by name or number, that ends it in the place of TERM
timeout-kill     milliseconds after which one that was told to end is sent KILL; 0: never
timeout-finish   milliseconds after which ./finish is; 0: never; without the file 5000
depends          the services, a name on each line, that are to be ready before it is started
backoff          milliseconds up to which the pause between failing starts grows; nothing: 60000

The first five are s6's where s6 has them. Each is read when it is needed. What cannot be read or makes
no sense counts as missing, and is said once.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from smarthost.unix import errtext

if TYPE_CHECKING:
    from collections.abc import Callable

NOTIFICATION: Final = b"notification-fd"
DOWN_SIGNAL: Final = b"down-signal"
TIMEOUT_KILL: Final = b"timeout-kill"
TIMEOUT_FINISH: Final = b"timeout-finish"
DEPENDS: Final = b"depends"
BACKOFF: Final = b"backoff"

FINISH_BOUND: Final = 5000
BACKOFF_CAP: Final = 60000
# More than any of them can need; and a number of milliseconds is at most some weeks.
_SIZE: Final = 65536
_MOST: Final = 2**31 - 1
# Where the limit of descriptors usually is.
_DESCRIPTORS: Final = 1024


class Settings:
    """home: a descriptor of the directory; complain: takes a line for the log."""

    def __init__(self, name: str, home: int, complain: Callable[[str], None]) -> None:
        self._name = name
        self._home = home
        self._complain = complain

    def _words(self, file: bytes) -> list[bytes] | None:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._home)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(f"unable to read {self._name}/{file.decode()}: {errtext.reason(error)}")
            return None
        try:
            return os.read(descriptor, _SIZE).split()
        except OSError as error:
            self._complain(f"unable to read {self._name}/{file.decode()}: {errtext.reason(error)}")
            return None
        finally:
            os.close(descriptor)

    def _number(self, file: bytes, most: int = _MOST) -> int | None:
        words = self._words(file)
        if words is None:
            return None
        if len(words) == 1 and words[0].isdigit() and len(words[0]) <= 10 and int(words[0]) <= most:
            return int(words[0])
        self._complain(f"{self._name}/{file.decode()} is ignored: it is no whole number up to {most}")
        return None

    def notification(self) -> int | None:
        """The descriptor, or None: it will not say."""
        return self._number(NOTIFICATION, _DESCRIPTORS - 1)

    def down_signal(self) -> int:
        words = self._words(DOWN_SIGNAL)
        if words is None:
            return signal.SIGTERM
        number = signal_called(words[0]) if len(words) == 1 else None
        if number is not None:
            return number
        self._complain(f"{self._name}/{DOWN_SIGNAL.decode()} is ignored: it names no signal")
        return signal.SIGTERM

    def kill_after(self) -> float | None:
        """Seconds, or None: never."""
        milliseconds = self._number(TIMEOUT_KILL)
        return milliseconds / 1000 if milliseconds else None

    def finish_within(self) -> float | None:
        """Seconds, or None: no bound."""
        milliseconds = self._number(TIMEOUT_FINISH)
        if milliseconds is None:
            milliseconds = FINISH_BOUND
        return milliseconds / 1000 if milliseconds else None

    def depends(self) -> list[bytes]:
        return self._words(DEPENDS) or []

    def pause_cap(self) -> float | None:
        """Seconds, or None: the pause does not grow."""
        words = self._words(BACKOFF)
        if words is None:
            return None
        milliseconds = self._number(BACKOFF) if words else BACKOFF_CAP
        return milliseconds / 1000 if milliseconds is not None else None

    def has_finish(self) -> bool:
        """Whether there is something to be run after ./run."""
        return os.access(b"finish", os.X_OK, dir_fd=self._home)


def signal_called(word: bytes) -> int | None:
    """By number, or by name in any case and with or without SIG."""
    if word.isdigit():
        number = int(word[:4])
        return number if number in signal.valid_signals() else None
    name = word.upper().removeprefix(b"SIG").decode("ascii", "replace")
    found = signal.Signals.__members__.get("SIG" + name)
    return int(found) if found is not None else None
