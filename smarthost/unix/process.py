"""How processes are asked for."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def fork_child(body: Callable[[], int]) -> int:
    """Run `body` in a child, which exits with what it answers (111 if it raises). The child's pid.

    Raises OSError if there can be no child.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 111
    try:
        status = body()
    finally:
        os._exit(status)
