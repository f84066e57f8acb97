"""setlock: run a program with a file locked.

usage: setlock [ -nNxX ] file program [ arg ... ]

        -n  if the file is locked already, give up at once     -N  wait until it is not (default)
        -x  say nothing when giving up, and exit 0             -X  say so, and exit 111 (default)

Reads   nothing
Writes  makes the file, mode 600, if there is none; locks it as all of daemontools does, by flock, and
        becomes program, which holds the lock by a descriptor until it and all that inherit that are gone
Exits   100 for wrong arguments, 111 if the file cannot be opened or locked, or program cannot be run;
        with -x, 0 if the file cannot be opened or locked; else as program does
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.options import Chain
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "setlock"
USAGE = "setlock [ -nNxX ] file program [ arg ... ]"


def acquire(file: bytes, *, wait: bool) -> None:
    """Lock the file with a descriptor that stays open and is handed on. Raises Temporary."""
    step = "open"
    descriptor = -1
    try:
        descriptor = files.open_append(file)
        step = "lock"
        (files.lock if wait else files.lock_at_once)(descriptor)
        os.set_inheritable(descriptor, True)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        raise Temporary(f"unable to {step} {os.fsdecode(file)}: {errtext.reason(error)}") from error


def body(arguments: list[bytes]) -> int:
    options, words = Chain(USAGE, flags="nNxX").parse(arguments)
    if len(words) < 2:
        raise UsageError(USAGE)
    file, *program = words
    wait, loud = True, True
    for letter, _ in options:
        if letter in "nN":
            wait = letter == "N"
        else:
            loud = letter == "X"
    try:
        acquire(file, wait=wait)
    except Temporary:
        if loud:
            raise
    else:
        launch.become(program)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
