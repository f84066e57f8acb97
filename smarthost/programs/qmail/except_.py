"""except: turn a program's answer round, for a .qmail file.

    except program [ arg ... ]

Exits   100 when the program exits 0; 111 when it exits 111, or crashes; else 0, also where there is no
        such program
Differs nothing known
"""

from __future__ import annotations

from smarthost import ending, launch
from smarthost.errors import Permanent, Temporary, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "except"
USAGE: Final = "except program [ arg ... ]"


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    ended = launch.outcome(arguments)
    if ended < 0:
        raise Temporary("child crashed")
    if ended == Temporary.status:
        raise Temporary("temporary child error")
    return 0 if ended else Permanent.status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
