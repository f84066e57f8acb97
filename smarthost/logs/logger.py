"""What a logger waits for: lines, signals, the age of a file, and processors in the background; and gaps."""

from __future__ import annotations

import time

from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.logs.delivery import Delivery
    from smarthost.logs.overflow import OverflowIntake
    from smarthost.unix.intake import Intake

SECOND: Final = 1_000_000_000

SIGNALS: Final = (signals.SIGTERM, signals.SIGALRM, signals.SIGCHLD)


class Logger:
    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._tended = [directory for directory in delivery.directories if directory.is_tended]

    def run(self, source: Intake, overflow: OverflowIntake | None = None) -> None:
        """To the end of input, or SIGTERM and the end of a line; then every current is complete.

        What works in the background may finish after the end of input, but not after SIGTERM. `overflow` is the
        source, if it is one that may have dropped something.
        """
        while True:
            came = source.wait(self._patience())
            self._tend()
            if signals.SIGALRM in came:
                self._rotate()
            if signals.SIGTERM in came:
                if overflow is not None:
                    overflow.stop_taking()
                    while overflow.is_behind:
                        self._carry_on(source, overflow)
                self._finish_line(source)
                break
            text, goes_on = self._carry_on(source, overflow)
            if not goes_on:
                self._delivery.end_line(text)
                source.take(len(text))
                self._finish_background(source)
                break
        for directory in self._delivery.directories:
            directory.close()

    def _carry_on(self, source: Intake, overflow: OverflowIntake | None) -> tuple[bytes, bool]:
        """Deal with what has come; the same answer as that of `look`."""
        seen = source.seen
        text, goes_on = source.look()
        if len(text) > seen:
            source.take(self._delivery.carry_out(text, seen))
        if overflow is not None and (gap := overflow.gap) is not None:
            self._delivery.end_line(b"")
            self._delivery.note(f"dropped {gap}")
            overflow.forget_gap()
        return text, goes_on

    def _patience(self) -> float | None:
        """Seconds until something is due that no line and no signal tells of."""
        if not self._tended:
            return None
        due = min((due for directory in self._tended if (due := directory.due()) is not None), default=None)
        return None if due is None else max(0.0, (due - time.time_ns()) / SECOND)

    def _tend(self) -> None:
        if self._tended:
            now = time.time_ns()
            for directory in self._tended:
                directory.tend(now)

    def _rotate(self) -> None:
        for directory in self._delivery.directories:
            if not directory.is_empty:
                directory.rotate()

    def _finish_line(self, source: Intake) -> None:
        begun = source.begun()
        if begun or self._delivery.is_within_line:
            line = source.rest_of_line()
            used = self._delivery.carry_out(begun + line, len(begun))
            self._delivery.end_line((begun + line)[used:])

    def _finish_background(self, source: Intake) -> None:
        """Let processors finish what waits, unless one fails: that is for the next start."""
        for directory in self._tended:
            directory.sync()
        while any(directory.is_busy for directory in self._tended):
            if signals.SIGTERM in source.wait_for_signal():
                return
            self._tend()
