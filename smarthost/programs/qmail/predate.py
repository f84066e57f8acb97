"""predate: run a program with a Date field, in local time, above its input.

    predate child [ argument ... ]

Reads   a message on descriptor 0; TZ
Writes  the Date field and the message to the child's standard input
Exits   as the child; 100 without a child to run; 111 if it cannot be run or is ended by a signal, or
        the message cannot be read
Differs a message that cannot be read to its end is not sent: the child is killed, where the original
        lets it take what there was for all
"""

from __future__ import annotations

from time import localtime, time

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.formats import newfields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "predate"
USAGE: Final = "predate child"


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    now = int(time())
    status = launch.feed(arguments, newfields.local_date(now, localtime(now).tm_gmtoff))
    if status < 0:
        raise Temporary("child crashed")
    return status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
