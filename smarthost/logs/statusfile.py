"""What shows single lines: status files, and alerts on stderr."""

from __future__ import annotations

import os

from smarthost.policy import logscript
from smarthost.store.steps import attempt
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.store.steps import Pause

STDERR: Final = 2


class StatusFile:
    """The last selected line, in a file of 1001 bytes that is written in place."""

    def __init__(self, order: logscript.Status, start: int, pause: Pause) -> None:
        self._name = os.fsdecode(order.path)
        self._pause = pause
        attempt("switch to starting directory", files.enter, start)
        files.close(attempt(f"create {self._name}", files.open_append, order.path))
        self._file = attempt(f"write {self._name}", files.open_write, order.path)

    def put(self, lines: bytes) -> None:
        last = lines[lines.rfind(b"\n", 0, -1) + 1 : -1]
        text = last[: logscript.STATUS_SIZE - 1].ljust(logscript.STATUS_SIZE, b"\n")
        while True:
            try:
                files.rewind(self._file)
            except OSError as error:
                self._pause(f"unable to move to beginning of {self._name}, pausing: {errtext.reason(error)}")
                continue
            try:
                if files.write(self._file, text) == len(text):
                    return
                why = "short write"
            except OSError as error:
                why = errtext.reason(error)
            self._pause(f"unable to write {self._name}, pausing: {why}")

    def close(self) -> None:
        files.close(self._file)


def alert(lines: bytes) -> None:
    """A write for each line, as stderr may be shared and a short write is not torn."""
    for line in lines[:-1].split(b"\n"):
        shown = line if len(line) <= logscript.ALERT_LIMIT else line[: logscript.ALERT_LIMIT] + b"..."
        try:
            files.write_all(STDERR, shown + b"\n")
        except OSError:
            pass  # as the original: an alert that nobody reads is no reason to stop
