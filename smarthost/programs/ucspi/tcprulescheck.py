"""tcprulescheck: show what tcpserver would do with a client under these rules.

usage: tcprulescheck rules.cdb

Reads   rules.cdb, and the client from the environment: TCPREMOTEIP (0.0.0.0 if it is not set),
        TCPREMOTEHOST and TCPREMOTEINFO (unknown if not set)
Writes  on descriptor 1 the rule that applies, the variables that it sets, and whether it allows
Exits   0 whatever the rules say, 100 for a missing argument, 111 for rules that cannot be read
Differs a damaged file is refused as a whole (protocol error), also where the original would not
        meet the damage; it calls an empty file an invalid argument and crashes on a directory. What cannot be written is an error. --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import FormatError, Temporary, UsageError
from smarthost.formats import cdb
from smarthost.policy import access
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "tcprulescheck"
USAGE = "tcprulescheck rules.cdb"
# What the original takes for a client without an address.
DEFAULT_IP = b"0.0.0.0"


def look_up(path: bytes) -> tuple[bytes, bytes] | None:
    environ = os.environb
    try:
        with cdb.Reader(files.open_read(path)) as rules:
            return access.find(
                rules.get,
                environ.get(b"TCPREMOTEIP", DEFAULT_IP),
                environ.get(b"TCPREMOTEHOST"),
                environ.get(b"TCPREMOTEINFO"),
            )
    except FormatError:
        reason = "protocol error"
    except OSError as error:
        reason = errtext.reason(error)
    raise Temporary(f"unable to read {os.fsdecode(path)}: {reason}")


def report(key: bytes, data: bytes) -> Iterator[bytes]:
    """The lines for a rule. A denial ends them, whatever follows it in the data."""
    yield b"rule " + key + b":"
    for instruction in access.instructions(data):
        if instruction.startswith(b"D"):
            yield b"deny connection"
            return
        if instruction.startswith(b"+"):
            yield b"set environment variable " + instruction[1:]
    yield b"allow connection"


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    found = look_up(arguments[0])
    lines = [b"default:", b"allow connection"] if found is None else list(report(*found))
    try:
        files.write_all(ending.STDOUT, b"\n".join(lines) + b"\n")
    except OSError as error:
        raise Temporary(f"unable to write output: {errtext.reason(error)}") from error
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
