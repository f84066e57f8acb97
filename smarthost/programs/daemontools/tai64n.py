"""tai64n: put a precise time stamp before each line.

Reads   lines on descriptor 0
Writes  on descriptor 1: @, a TAI64N label, a space and the line. What was read is written before it reads on
Exits   0 at the end of input, 111 without a word if it cannot read or write
Differs --help and --version as the only argument are answered. Lines that are read at one time carry one
        stamp; the original looks at the clock for each.
"""

from __future__ import annotations

import time

from smarthost import ending
from smarthost.formats import tai64
from smarthost.unix import files, heap, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "tai64n"
STDIN = 0
STDOUT = 1

BLOCK = 131072


def body(_arguments: list[bytes]) -> int:
    signals.undo_python()
    heap.keep()
    at_start = True
    try:
        for block in files.blocks(STDIN, BLOCK):
            stamp = tai64.label(time.time_ns()) + b" "
            stamped = block.replace(b"\n", b"\n" + stamp)
            begun = stamp if at_start else b""
            at_start = block[-1:] == b"\n"
            files.write_parts_all(
                STDOUT, [begun, memoryview(stamped)[: -len(stamp)] if at_start else stamped]
            )
    except OSError:
        return 111
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
