"""A shell command with files for descriptors, and nothing else of ours."""

from __future__ import annotations

import os

from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

READ: Final = os.O_RDONLY | os.O_NONBLOCK
REPLACE: Final = os.O_WRONLY | os.O_NONBLOCK | os.O_TRUNC | os.O_CREAT

SHELL: Final = b"/bin/sh"


def start(command: bytes, opened: Sequence[tuple[int, bytes, int]]) -> int:
    """Start `sh -c command` and answer its process id. `opened`: descriptor, file, READ or REPLACE.

    Signals that this process catches or ignores are at their defaults there. Raises OSError; if
    a file cannot be opened, nothing is started.
    """
    actions = [(os.POSIX_SPAWN_OPEN, descriptor, path, flags, 0o644) for descriptor, path, flags in opened]
    return os.posix_spawn(
        SHELL,
        [b"sh", b"-c", command],
        os.environb,
        file_actions=actions,
        setsigdef=[signals.SIGTERM, signals.SIGALRM, *signals.IGNORED_BY_PYTHON],
    )


def wait(process: int) -> int:
    """Its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
