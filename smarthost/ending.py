"""How a program begins and ends: its arguments, the last line on stderr, the exit status."""

from __future__ import annotations

import os
import sys

from smarthost.errors import ProgramError
from smarthost.unix import environment, errtext, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STDOUT = 1
STDERR = 2


def say(text: str, descriptor: int = STDERR) -> None:
    """One write of one line or more. A reader that is gone is no reason to stop."""
    try:
        os.write(descriptor, os.fsencode(text))
    except OSError:
        pass


def warn(program: str, text: str) -> None:
    say(f"{program}: warning: {text}\n")


def run(
    program: str,
    body: Callable[[list[bytes]], int],
    argv: Sequence[str] | None = None,
    *,
    manual: str | None = None,
) -> int:
    """Run `body` with the arguments as bytes; if it fails, say one line and answer its status.

    `manual` is what a lone `--help` prints; `--version` is answered beside it. A failed system call
    that no one named is a temporary failure, and so is a mistake of our own.
    """
    signals.as_in_c()
    if argv is None:  # else this is not the process's own start, and what it finds was put there
        environment.undo_python()
    arguments = [os.fsencode(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    try:
        if manual is not None and len(arguments) == 1:
            if arguments[0] == b"--help":
                say(manual.strip() + "\n", STDOUT)
                return 0
            if arguments[0] == b"--version":
                say(f"{program} {version()}\n", STDOUT)
                return 0
        return body(arguments)
    except ProgramError as error:
        say(error.line(program))
        return error.status
    except OSError as error:
        named = error.filename  # a descriptor, where a descriptor was what was opened
        what = f"{os.fsdecode(named)}: " if named and isinstance(named, str | bytes) else ""
        say(f"{program}: fatal: {what}{errtext.reason(error)}\n")
    except MemoryError:
        say(f"{program}: fatal: out of memory\n")
    except Exception as error:
        if os.environ.get("SMARTHOST_TRACEBACK"):
            raise
        say(
            f"{program}: fatal: internal error: {type(error).__name__}: {error}\n".replace("\n", " ").strip()
            + "\n"
        )
    return 111


def version() -> str:
    """This installation's version. The lookup is slow, and only `--version` asks."""
    from importlib.metadata import version as installed  # noqa: PLC0415

    return installed("smarthost")
