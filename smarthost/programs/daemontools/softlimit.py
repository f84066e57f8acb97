"""softlimit: run a program under resource limits.

usage: softlimit [-a allbytes] [-c corebytes] [-d databytes] [-f filebytes] [-l lockbytes]
[-m membytes] [-o openfiles] [-p processes] [-r residentbytes] [-s stackbytes] [-t cpusecs] child

        -a  address space        -d  data segment         -s  stack
        -l  locked memory        -m  these four at once   -r  resident set
        -c  core file            -f  file written         -o  open descriptors
        -p  processes of the user                         -t  seconds of CPU

        = as a value is the hard limit, which no value exceeds; of several for one limit the last
        counts

Reads   the hard limits
Writes  nothing: sets soft limits and becomes child
Exits   100 for bad arguments, 111 if child cannot be run; else as child does
Differs a value that is empty or does not fit in 64 bits is refused, not taken for 0 or for what is
        left of it; a line before the usage says which value is bad. When child is one of our own
        programs, and may have less memory than this interpreter takes, a warning says so; it is
        started all the same. About 0.05 s of CPU are spent, and count for -t, before child begins
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.options import Chain, number
from smarthost.unix import errtext, rlimits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "softlimit"
USAGE = (
    "softlimit [-a allbytes] [-c corebytes] [-d databytes] [-f filebytes] [-l lockbytes] [-m membytes]"
    " [-o openfiles] [-p processes] [-r residentbytes] [-s stackbytes] [-t cpusecs] child"
)
KINDS = {
    "a": (rlimits.ADDRESS_SPACE,),
    "c": (rlimits.CORE,),
    "d": (rlimits.DATA,),
    "f": (rlimits.FILE_SIZE,),
    "l": (rlimits.LOCKED,),
    "m": (rlimits.DATA, rlimits.STACK, rlimits.LOCKED, rlimits.ADDRESS_SPACE),
    "o": (rlimits.OPEN_FILES,),
    "p": (rlimits.PROCESSES,),
    "r": (rlimits.RESIDENT,),
    "s": (rlimits.STACK,),
    "t": (rlimits.CPU,),
}
MEMORY = {rlimits.ADDRESS_SPACE: "address space (-a, -m)", rlimits.DATA: "data (-d, -m)"}


def limit(value: bytes) -> int:
    """A number, or = for the hard limit, which holds whatever is asked."""
    return rlimits.UNLIMITED if value == b"=" else number(rlimits.UNLIMITED)(value)


def wanted(options: list[tuple[str, int]]) -> dict[int, int]:
    """The soft limits to set, by their kinds, none above its hard limit."""
    result: dict[int, int] = {}
    for letter, value in options:
        for kind in KINDS[letter]:
            try:
                _, hard = rlimits.limits(kind)
            except OSError as error:
                raise Temporary(f"getrlimit failed: {errtext.reason(error)}") from error
            result[kind] = min(value, hard)
    return result


def warn_if_too_little(child: bytes, soft: dict[int, int]) -> None:
    """Python starts in what this Python takes, at the least."""
    if not soft.keys() & MEMORY.keys() or launch.module_of(child) is None:
        return
    short = [
        f"{taken} bytes of {MEMORY[kind]} and may have {soft[kind]}"
        for kind, taken in rlimits.in_use().items()
        if soft.get(kind, rlimits.UNLIMITED) < taken
    ]
    if short:
        ending.warn(NAME, f"{os.fsdecode(child)} is a Python program; to start it needs " + ", ".join(short))


def body(arguments: list[bytes]) -> int:
    options, child = Chain(USAGE, values=dict.fromkeys(KINDS, limit)).parse(arguments)
    if not child:
        raise UsageError(USAGE)
    soft = wanted(options)
    warn_if_too_little(child[0], soft)
    for kind, value in soft.items():
        try:
            rlimits.set_soft(kind, value)
        except OSError as error:
            raise Temporary(f"setrlimit failed: {errtext.reason(error)}") from error
    launch.become(child)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
