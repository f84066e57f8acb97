"""The old files of a log directory: how they get their names, and which of them stay.

@LABEL.s   complete, and safely on the disk
@LABEL.u   one that an outage may have cut
@LABEL.w   complete and safe, and waits for the processor in the background, which makes @LABEL.s of it

The label is the time when the file was finished, so that names sort by age. Everything here happens in the directory,
which is the working directory.
"""

from __future__ import annotations

import os

from smarthost.formats import tai64
from smarthost.policy import rotation
from smarthost.store.steps import persist
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.policy.logscript import Directory
    from smarthost.store.steps import Pause

SAFE: Final = b".s"
UNSAFE: Final = b".u"
WAITS: Final = b".w"

_NAME: Final = tai64.LABEL  # an old file's name is at least this long


class OldFiles:
    __slots__ = ("_clock", "_order", "_pause", "name")

    def __init__(self, order: Directory, clock: Callable[[], int], pause: Pause) -> None:
        self._order = order
        self._clock = clock
        self._pause = pause
        self.name = os.fsdecode(order.path)

    def retire(self, path: bytes, ending: bytes) -> None:
        """Give a file its name among the old ones, and remove those that are too many."""
        shown = f"{self.name}/{os.fsdecode(path)}"
        while True:
            try:
                state = files.look(path)
                break
            except FileNotFoundError:
                return
            except OSError as error:
                self._pause(f"unable to stat {shown}, pausing: {errtext.reason(error)}")
        # With a second link it has its final name already: we were stopped just after giving it.
        if state.st_nlink == 1:
            while True:
                final = tai64.label(self._clock()) + ending
                try:
                    files.link(path, final)
                    break
                except OSError as error:
                    self._pause(
                        f"unable to link to {self.name}/{os.fsdecode(final)}, pausing: {errtext.reason(error)}"
                    )
        persist(self._pause, f"remove {shown}", files.unlink, path)
        self.trim()

    def trim(self) -> None:
        """Remove the oldest files beyond what may stay: their number, and their size if that has a limit."""
        names = self.names()
        sizes = None
        if self._order.total:
            # The newest that waits has yet to become smaller.
            spared = max((name for name in names if name.endswith(WAITS)), default=None)
            sizes = {name: _size(name) for name in names if name != spared}
        for surplus in rotation.surplus(names, self._order.files, sizes, self._order.total):
            persist(self._pause, f"remove {self.name}/{os.fsdecode(surplus)}", files.unlink_if_there, surplus)

    def names(self) -> list[bytes]:
        """The old files, in no order."""
        names = persist(self._pause, f"read {self.name}", files.names, b".")
        return [name for name in names if name.startswith(b"@") and len(name) >= _NAME]

    def waiting(self) -> list[bytes]:
        """Those that wait for the processor, the oldest first."""
        return sorted(name for name in self.names() if name.endswith(WAITS))


def _size(name: bytes) -> int:
    try:
        return files.look(name).st_size
    except OSError:
        return 0  # somebody removed it, which is what removing it would come to
