"""When did the file that is being written get its first line?

No system call tells, so it is noted in the directory, with the inode of the file that it is about: who takes a
directory over goes on counting. A note that is missing, or about another file, is no harm: then it counts from
the last line that was there.
"""

from __future__ import annotations

from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

NOTE: Final = b"begun"
SECOND: Final = 1_000_000_000


class Begun:
    """`age`: in seconds, and then a file is over. `clock` answers nanoseconds since 1970."""

    __slots__ = ("_age", "_clock", "_since")

    def __init__(self, age: int, clock: Callable[[], int]) -> None:
        self._age = age * SECOND
        self._clock = clock
        self._since = 0

    @property
    def due(self) -> int:
        return self._since + self._age

    def is_over(self, now: int) -> bool:
        self._since = min(self._since, now)  # the clock may be set back
        return now >= self.due

    def begin(self, current: int) -> None:
        """The first line comes. In the directory."""
        self._since = self._clock()
        try:
            note = files.create_empty(NOTE)
            try:
                files.write(note, b"%d %d\n" % (files.state(current).st_ino, self._since))
            finally:
                files.close(note)
        except OSError:
            pass  # no reason to keep a line waiting

    def take_over(self, current: int) -> None:
        """Somebody else wrote the lines in it. In the directory."""
        state = files.state(current)
        self._since = state.st_mtime_ns
        try:
            with files.stream(NOTE) as note:
                words = note.readline(100).split()
            if len(words) == 2 and int(words[0]) == state.st_ino:
                self._since = int(words[1])
        except (OSError, ValueError):
            pass
        self._since = min(self._since, self._clock())
