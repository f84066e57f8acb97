"""What is said about one process: to svstat in files, to the administrator in lines that come once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from smarthost.formats import status, tai64

if TYPE_CHECKING:
    from smarthost.supervision.attendance import Attendance


class Bulletin:
    """since: the label of the last change; announce: takes a line for the log."""

    def __init__(self, options: Any, attendance: Attendance) -> None:
        self._options = options
        self._attendance = attendance
        self.since = (0, 0)
        self._trouble: str | None = None
        self._remarks: set[str] = set()

    # Lines

    def trouble(self, problem: str, again: str = "") -> None:
        """What is in the way now, followed by what is done about it: once, as long as it stays the same."""
        if problem != self._trouble:
            self._trouble = problem
            self._options.announce(problem + again)

    def over(self) -> None:
        """Nothing is in the way any more."""
        self._trouble = None

    def remark(self, text: str) -> None:
        """Once in this engine's life."""
        if text not in self._remarks:
            self._remarks.add(text)
            self._options.announce(text)

    # Files

    def stamp(self) -> None:
        """Something has changed now."""
        self.since = _label()

    def publish(self, pid: int, want: bytes, *, paused: bool) -> None:
        state = status.Status(*self.since, pid, paused=paused and bool(pid), want=want)
        if problem := self._attendance.publish(state):
            self.remark(problem)

    def publish_ready(self, pid: int) -> None:
        if problem := self._attendance.publish_ready(*_label(), pid):
            self.remark(problem)


def _label() -> tuple[int, int]:
    now = time.time_ns()
    return tai64.EPOCH + now // 10**9, now % 10**9


def loggable(text: str) -> str:
    """On one line, and in UTF-8: supervisord's log loses a line with anything else, and names hold anything."""
    return "".join(
        letter if letter.isprintable() else "".join(f"%{byte:02X}" for byte in os.fsencode(letter))
        for letter in text
    )
