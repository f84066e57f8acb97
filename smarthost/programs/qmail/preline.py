"""preline: run a program with the From_ line and the envelope's lines above the message; from a .qmail file.

    |preline [ -frdFRD ] program [ arg ... ]

Reads   the message on descriptor 0; UFLINE, RPLINE and DTLINE, which qmail-local sets
Writes  those lines and the message to the program's descriptor 0
Options -f without the From_ line, -r without Return-Path, -d without Delivered-To; -F, -R, -D with it,
        which is the default
Exits   as the program; 100 wrong arguments, a variable that is not set, or no such program; 111 it crashed,
        or something failed
Differs a program that ends without having read all is judged by its exit status alone: the original calls
        it a failure if it noticed, which depends on who was faster
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Permanent, Temporary, UsageError
from smarthost.options import Chain
from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "preline"
USAGE: Final = "preline cmd [ arg ... ]"
OPTIONS: Final = Chain(USAGE, flags="frdFRD")

# In the order in which they are written.
LINES: Final = (("f", b"UFLINE"), ("r", b"RPLINE"), ("d", b"DTLINE"))


def body(arguments: list[bytes]) -> int:
    lines = [os.environb.get(variable) for _, variable in LINES]
    if None in lines:
        raise UsageError(USAGE)
    given, program = OPTIONS.parse(arguments)
    if not program:
        raise UsageError(USAGE)
    left_out = {letter.lower(): letter.islower() for letter, _ in given}
    head = b"".join(
        [line for (letter, _), line in zip(LINES, lines, strict=True) if line and not left_out.get(letter)]
    )
    signals.ignore(signals.SIGPIPE)
    try:
        ended = launch.feed(program, head, "unable to copy input")
    except launch.NotStarted as error:
        raise (Temporary if error.again else Permanent)(str(error)) from error
    if ended < 0:
        raise Temporary("child crashed")
    return ended


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
