"""pgrphack: run a program in a process group, and a session, of its own.

usage: pgrphack child

Reads   nothing
Writes  nothing: becomes the leader of a new session, unless it leads a process group already, and
        becomes child
Exits   100 without arguments, 111 if child cannot be run; else as child does
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "pgrphack"
USAGE = "pgrphack child"


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    try:
        os.setsid()
    except OSError:
        pass  # the leader of a group cannot, and has one of its own already
    launch.become(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
