"""tcprules: compile access rules for tcpserver.

usage: tcprules rules.cdb rules.tmp

Reads   rules on descriptor 0, one a line: ADDRESS:allow or ADDRESS:deny, then any number of
        ,NAME="VALUE"; a line that begins with # is a comment
Writes  rules.cdb, all of it or nothing: built as rules.tmp, which must be in the same file system,
        synced, and renamed. A tcpserver that is running uses it from its next connection on
Exits   0, 100 for a line that cannot be parsed or a missing argument, 111 when the system refuses
Differs a parse error is followed by a second line with the line's number and what is wrong with it.
        Lines without a colon say nothing, as ever, but are warned about; ten at most by number.
        --help and --version, alone, are answered. A directory as descriptor 0 ends the interpreter
        itself, with 1 and its own words
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Permanent, Temporary, UsageError
from smarthost.formats import rules
from smarthost.store import rulesfile
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "tcprules"
USAGE = "tcprules rules.cdb rules.tmp"
STDIN = 0


def compiled(compiler: rules.Compiler) -> Iterator[tuple[list[bytes], list[bytes]]]:
    try:
        for block in _input():
            yield compiler.take(block)
        yield compiler.finish()
    except rules.RuleError as error:
        warn_of_ignored(compiler)
        line = os.fsdecode(error.line.partition(b"\0")[0])
        raise Permanent(
            f"unable to parse this line: {line}\n{NAME}: line {error.number}: {error.hint}"
        ) from error


def _input() -> Iterator[bytes]:
    try:
        yield from files.blocks(STDIN)
    except OSError as error:
        raise Temporary(f"unable to read input: {errtext.reason(error)}") from error


def warn_of_ignored(compiler: rules.Compiler) -> None:
    for number in compiler.ignored:
        ending.warn(NAME, f"line {number}: no colon, so this is no rule; to allow, write ADDRESS:allow")
    more = compiler.ignored_count - len(compiler.ignored)
    if more:
        ending.warn(NAME, f"{more} more lines without a colon")


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise UsageError(USAGE)
    path, temporary = arguments[:2]
    compiler = rules.Compiler()
    rulesfile.publish(path, temporary, compiled(compiler))
    warn_of_ignored(compiler)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
