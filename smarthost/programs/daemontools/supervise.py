"""supervise: run one service, and start it again whenever it ends.

usage: supervise dir

Reads   dir/run, dir/down; letters from dir/supervise/control
Writes  dir/supervise/status
Exits   0 after svc -x, or TERM, INT or QUIT, once the service has ended; 100 for wrong arguments; 111 if it
        cannot start, because another supervises the service, say
Differs TERM, INT and QUIT stop the service; the original dies and leaves it. After KILL the next
        supervise takes it over, where the original starts a second one. A service that ends within its first
        second is seen to be down until that is over. A missing run is said once, and the
        service is down all the while. ./run has a session of its own. --help and --version, alone, are
        answered
"""

from __future__ import annotations

from smarthost import ending, launch
from smarthost.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

NAME = "supervise"


def body(arguments: list[bytes]) -> NoReturn:
    if len(arguments) != 1:
        raise UsageError("supervise dir")
    launch.become_engine(b"smarthost.supervision.supervise", arguments)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
