"""How a program begins and ends: its arguments, the last line on stderr, the exit status."""

from __future__ import annotations

import os
import sys

from smarthost.errors import ProgramError
from smarthost.unix import environment, errtext, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

STDOUT = 1
STDERR = 2

NO_OTHERS: Final[Mapping[int, int]] = {}


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
    statuses: Mapping[int, int] = NO_OTHERS,
) -> int:
    """Run `body` with the arguments as bytes; if it fails, say one line and answer its status.

    `manual` is what a lone `--help` prints; `--version` is answered beside it. `statuses` has those
    that this program ends with instead of others. A failed system call that no one named is a
    temporary failure, and so is a mistake of our own.

    Without `argv` this is the process's own start, and its end: it does not return where that may be.
    """
    signals.as_in_c()
    if argv is not None:  # what it finds was put there
        status = _run(program, body, [os.fsencode(argument) for argument in argv], manual)
        return statuses.get(status, status)
    environment.undo_python()
    status = _run(program, body, [os.fsencode(argument) for argument in sys.argv[1:]], manual)
    status = statuses.get(status, status)
    _leave(status)
    return status


def _leave(status: int) -> None:
    """End the process without Python's own end, which takes all modules apart: 3 of 18 ms of CPU here.

    There is nothing to be lost: what our programs write is written, and what they open is the kernel's to
    close. Python's end is for those that load threads, as click does: they may have left it more.
    """
    if "threading" not in sys.modules:
        os._exit(status)


def _run(program: str, body: Callable[[list[bytes]], int], arguments: list[bytes], manual: str | None) -> int:
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
