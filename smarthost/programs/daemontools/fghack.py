"""fghack: run a program that puts itself into the background, and wait for it all the same.

usage: fghack child

Reads   nothing. Child is started with many descriptors of one pipe; once all of them are closed, child
        and whatever it started are taken to be gone
Writes  nothing
Exits   100 without arguments, 111 if child cannot be started or was ended by a signal; else as child
        did, once the pipe is closed. A signal to fghack does not reach child
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.unix import errtext, files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "fghack"
USAGE = "fghack child"

# A program that closes what it does not know, from 0 up, rarely goes on beyond the usual 20 or so.
COPIES = 30


def hand_on_many_times(descriptor: int) -> None:
    """Have child inherit the descriptor, and as many copies as there can be."""
    os.set_inheritable(descriptor, True)
    try:
        for _ in range(COPIES):
            os.set_inheritable(os.dup(descriptor), True)
    except OSError:
        pass


def start(child: list[bytes]) -> tuple[int, int]:
    """The child's process id, and a descriptor that is at its end when all is closed there."""
    try:
        ours, theirs = os.pipe()
    except OSError as error:
        raise Temporary(f"unable to create pipe: {errtext.reason(error)}") from error

    def in_child() -> int:
        os.close(ours)
        hand_on_many_times(theirs)
        try:
            launch.become(child)
        except Temporary as error:
            ending.say(error.line(NAME))
            return error.status

    try:
        return process.fork_child(in_child), ours
    except OSError as error:
        os.close(ours)
        raise Temporary(f"unable to fork: {errtext.reason(error)}") from error
    finally:
        os.close(theirs)


def wait_until_closed(descriptor: int) -> None:
    try:
        for _ in files.blocks(descriptor):
            pass
    except OSError:
        pass
    os.close(descriptor)


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    child, pipe = start(arguments)
    wait_until_closed(pipe)
    try:
        ended = process.wait(child)
    except OSError as error:
        raise Temporary(f"wait failed: {errtext.reason(error)}") from error
    if ended < 0:
        raise Temporary("child crashed")
    return ended


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
