"""A shell command with files for descriptors, and nothing else of ours."""

from __future__ import annotations

import os

from smarthost.unix import process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, NoReturn

READ: Final = os.O_RDONLY | os.O_NONBLOCK
REPLACE: Final = os.O_WRONLY | os.O_NONBLOCK | os.O_TRUNC | os.O_CREAT

SHELL: Final = b"/bin/sh"


def start(
    command: bytes,
    opened: Sequence[tuple[int, bytes, int]],
    failed: Callable[[OSError], int],
    name: bytes = b"sh",
) -> int:
    """Start `sh -c command` and answer its process id. `opened`: descriptor, file, READ or REPLACE;
    `name` is what the shell calls itself when it complains.

    Signals that this process catches or ignores are at their defaults there. If a file cannot be
    opened, the child exits with what `failed` says. Raises OSError if there can be no child. By fork:
    posix_spawn would leave signals 32 and 33 ignored, and it is rare.
    """

    def child() -> int:
        try:
            for place, path, flags in opened:
                descriptor = os.open(path, flags, 0o644)
                if descriptor == place:
                    os.set_inheritable(descriptor, True)
                else:
                    os.dup2(descriptor, place)
                    os.close(descriptor)
            become(command, name)
        except OSError as error:
            return failed(error)

    return process.fork_child(child)


def become(command: bytes, name: bytes = b"sh") -> NoReturn:
    """Turn this process into `sh -c command`, which calls itself `name`, with the signals that we catch or ignore at their defaults."""
    for signum in (signals.SIGTERM, signals.SIGALRM, *signals.IGNORED_BY_PYTHON):
        signals.uncatch(signum)
    os.execve(SHELL, [name, b"-c", command], os.environb)
