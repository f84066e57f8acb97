"""readproctitle: keep the last of what it reads where ps shows it, in its own command line.

usage: readproctitle words ... .....

Reads   descriptor 0
Writes  nothing, but the last argument, of five or more characters: three dots and the newest bytes that
        were read. Zero bytes are left out; before anything was read, all are dots
Exits   0 at the end of input, 100 without arguments or with a last one of less than five characters, 111
        if it cannot read
Differs --help and --version, alone, are answered. Before the program's name ps shows that of the
        interpreter, as for every script. Where /proc does not let a process write to its own memory it
        says so, and exits 111. A directory for descriptor 0 makes it end with 1
"""

from __future__ import annotations

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.unix import errtext, files
from smarthost.unix.commandline import LastArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "readproctitle"
STDIN = 0
DOTS = 3
LEAST = 5


def body(arguments: list[bytes]) -> int:
    if not arguments or len(arguments[-1]) < LEAST:
        return 100
    size = len(arguments[-1])
    try:
        shown = LastArgument(arguments[-1])
    except OSError as error:
        raise Temporary(f"unable to write to command line: {errtext.reason(error)}") from error
    title = b"." * size
    shown.replace(title)
    try:
        for block in files.blocks(STDIN):
            read = title + block.replace(b"\0", b"")
            title = b"." * DOTS + read[DOTS - size :]
            shown.replace(title)
    except OSError:
        return 111
    finally:
        shown.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
