"""bouncesaying: bounce a message, if a program says so; from a .qmail file.

    |bouncesaying error [ program [ arg ... ] ]

Reads   nothing: the program has the message on descriptor 0
Writes  error on descriptor 2, for who sent the message
Exits   100, having said it, without a program or when it exits 0; 111 when it exits 111, or crashes; else 0,
        also where there is no such program
Differs nothing known
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Bounced, Temporary, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "bouncesaying"
USAGE: Final = "bouncesaying error [ program [ arg ... ] ]"


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    error, *program = arguments
    if program:
        ended = launch.outcome(program)
        if ended < 0:
            raise Temporary("child crashed")
        if ended == Temporary.status:
            raise Temporary("temporary child error")
        if ended:
            return 0
    raise Bounced(os.fsdecode(error))


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
