"""tai64nlocal: show the time stamps of log lines in local time.

Reads   lines on descriptor 0; a time stamp is an @ at the beginning of a line and the digits after it
Writes  on descriptor 1: the lines, the stamps as YYYY-MM-DD HH:MM:SS.NNNNNNNNN in the time zone that TZ, else
        the system, names. What was read is written before it reads on
Exits   0 at the end of input, 111 without a word if it cannot read or write
Differs --help and --version as the only argument are answered. A stamp in a year that no calendar can
        hold stays as it is; the original crashes.
"""

from __future__ import annotations

import time

from smarthost import ending
from smarthost.formats import tai64local
from smarthost.unix import files, heap, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "tai64nlocal"
STDIN = 0
STDOUT = 1


def body(_arguments: list[bytes]) -> int:
    signals.undo_python()
    heap.keep()
    localizer = tai64local.Localizer(time.localtime)
    try:
        for block in files.blocks(STDIN):
            time.tzset()  # the system's time zone may change while we follow a log
            files.write_all(STDOUT, localizer.feed(block))
    except OSError:
        return 111
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
