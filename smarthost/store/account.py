"""What would be missing if this process were killed now.

Who takes lines out of a pipe before they are written notes first how many, and then how many of them were
written or told of. Both are totals, each written in its own place and by one thread, over what is there: a full disk
does not matter, and whoever opens the directory after a kill -9 knows what it finds no trace of. A power cut
takes the pipe along, and so needs no note: nothing is synced.
"""

from __future__ import annotations

from smarthost.policy.overflow import Count
from smarthost.store.steps import attempt
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NAME: Final = b"dropped"

_RECORD: Final = b"%020d %020d\n"
_SIZE: Final = len(_RECORD % (0, 0))


class Account:
    """In the directory that is the working directory when it is opened. Raises Temporary."""

    __slots__ = ("_descriptor", "lost")

    def __init__(self, shown: str) -> None:
        self.lost = _read()
        self._descriptor = attempt(f"create {shown}/dropped", files.open_update, NAME)
        if self.lost is None:
            self.reset()

    def reset(self) -> None:
        """What was lost has been told of."""
        self.lost = None
        self._note(0, Count())
        self._note(1, Count())

    def came(self, total: Count) -> None:
        self._note(0, total)

    def went(self, total: Count) -> None:
        self._note(1, total)

    def close(self) -> None:
        files.close(self._descriptor)

    def _note(self, place: int, total: Count) -> None:
        try:
            files.write_at(self._descriptor, _RECORD % (total.lines, total.bytes), place * _SIZE)
        except OSError:
            pass  # then a kill -9 is not told of: no reason to keep anybody waiting


def _read() -> Count | None:
    """What the last one to use the directory left unsettled."""
    try:
        with files.stream(NAME) as note:
            came, went = (Count(*map(int, note.read(_SIZE).split())) for _ in range(2))
    except (OSError, ValueError, TypeError):
        return None
    lost = Count(max(0, came.lines - went.lines), max(0, came.bytes - went.bytes))
    return lost if lost.bytes else None
