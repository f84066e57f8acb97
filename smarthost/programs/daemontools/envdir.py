"""envdir: run a program with variables from the files of a directory.

usage: envdir dir child

Reads   each file in dir whose name does not begin with a dot. Its name is a variable, its first line
        without blanks and tabs at the end the value, a zero byte in it a new line. An empty file removes
        the variable. What is after the first = of a name is the beginning of the value
Writes  nothing: becomes child, found along the PATH that envdir itself was given
Exits   111 for wrong arguments, a directory or file that cannot be read, or if child cannot be run;
        else as child does
Differs --help and --version, alone, are answered. A link to nowhere removes its variable, where the
        original gives it the value of the file read before, if any. No file is read beyond its first
        line, and none makes a variable without a name. Of a variable that was there twice, and of what
        is no variable, nothing twice and nothing is handed on
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.unix import environment, errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "envdir"
USAGE = "envdir dir child"


class WrongUsage(UsageError):
    status = 111  # alone in its family, the original calls it temporary


def first_line(path: bytes) -> bytes | None:
    """None for an empty file, or for none. Raises OSError."""
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        return None
    text = b""
    try:
        for block in files.blocks(descriptor):
            text += block
            if b"\n" in block:
                break
    finally:
        os.close(descriptor)
    return text.partition(b"\n")[0] if text else None


def assignments(directory: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """The variables that the files mean, in the directory's order, with their values; None removes one."""
    shown = os.fsdecode(directory)
    try:
        os.chdir(directory)
    except OSError as error:
        raise Temporary(f"unable to switch to directory {shown}: {errtext.reason(error)}") from error
    try:
        names = files.names(b".")
    except OSError as error:
        raise Temporary(f"unable to read directory {shown}: {errtext.reason(error)}") from error
    for name in names:
        if name.startswith(b"."):
            continue
        try:
            line = first_line(name)
        except OSError as error:
            file = f"{shown}/{os.fsdecode(name)}"
            raise Temporary(f"unable to read {file}: {errtext.reason(error)}") from error
        value = None if line is None else line.rstrip(b" \t").replace(b"\0", b"\n")
        variable, equals, start = name.partition(b"=")
        if equals:
            value = start if value is None else start + equals + value
        if variable:
            yield variable, value


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise WrongUsage(USAGE)
    directory, *child = arguments
    try:
        start = files.open_read(b".")
    except OSError as error:
        raise Temporary(f"unable to switch to current directory: {errtext.reason(error)}") from error
    environ = environment.current()
    try:
        for variable, value in assignments(directory):
            if value is None:
                environ.pop(variable, None)
            else:
                environ[variable] = value
        try:
            files.enter(start)
        except OSError as error:
            raise Temporary(f"unable to switch to starting directory: {errtext.reason(error)}") from error
    finally:
        os.close(start)
    launch.become(child, environ)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
