"""svc: steer services.

usage: svc [ -udopchaitkx ] [ --wait state [ --timeout seconds ] [ --any ] ] services

        -u  up: start it, and again whenever it ends      -p  pause: send STOP
        -d  down: send TERM and CONT, and let it end      -c  continue: send CONT
        -o  once: start it, and let it end                -h  send HUP
        -x  exit: stop supervising once it has ended      -a  send ALRM
                                                          -i  send INT
                                                          -t  send TERM
                                                          -k  send KILL

        --wait state       wait until all the services are in the state:
                           up       up
                           ready    and say so, if there is a file notification-fd
                           restart  as ready, in another process than before
                           down     down, with ./finish ended, and not about to be started
        --timeout seconds  but not for longer
        --any              until one of them is

Reads   supervise/status, supervise/ready and supervise/child of each directory, to wait
Writes  the letters, each once and in the order given, into supervise/control of each directory; a line
        about each that cannot be controlled
Exits   0, also after such a line; 100 for wrong arguments, 111 if it cannot come back to the directory
        it was started in. With --wait also 99 when the time is over, and 102 when nobody supervises a
        service that is to be up
Differs --wait, --timeout and --any are options, where the original takes any word with two dashes for
        the end of them. --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import FormatError, Temporary, UsageError
from smarthost.formats import status
from smarthost.options import Chain
from smarthost.policy import awaited
from smarthost.store import servicedir
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "svc"
LETTERS = "udopchaitkx"
USAGE = "svc options: u up, d down, o once, x exit, p pause, c continue, h hup, a alarm, i interrupt, t term, k kill"

WAIT: Final = b"--wait"
TIMEOUT: Final = b"--timeout"
ANY: Final = b"--any"
TIMED_OUT: Final = 99
NOT_SUPERVISED: Final = 102
# How long to sleep between two looks, in seconds: a start takes some milliseconds, an end may take long.
PAUSE: Final = 0.005
LONGEST_PAUSE: Final = 0.1


class WrongUsage(UsageError):
    def line(self, program: str) -> str:
        return f"{program}: {self.problem}\n{self}\n"


def send(commands: bytes) -> str:
    """Steer the service in the working directory. What went wrong, with a place for its name; else empty."""
    try:
        control = servicedir.open_control()
    except OSError as error:
        if servicedir.is_unattended(error):
            return "unable to control {}: supervise not running"
        return "unable to control {}: " + errtext.reason(error)
    try:
        if commands:
            files.write_all(control, commands)
    except OSError as error:
        return "error writing commands to {}: " + errtext.reason(error)
    finally:
        os.close(control)
    return ""


class Waiting:
    """What to wait for, from the arguments; `rest` is what the original would have got."""

    def __init__(self, arguments: list[bytes]) -> None:
        self.state = b""
        self.any = False
        self.timeout: float | None = None
        self.rest: list[bytes] = []
        self._left = list(arguments)
        while self._left and self._left[0].startswith(b"-") and self._left[0] != b"-":
            word = self._left.pop(0)
            name, assigned, value = word.partition(b"=")
            if name == WAIT:
                self.state = value if assigned else self._next(name)
                if self.state not in awaited.STATES:
                    raise UsageError(USAGE, "--wait takes up, ready, restart or down")
            elif name == TIMEOUT:
                self.timeout = seconds(value if assigned else self._next(name))
            elif word == ANY:
                self.any = True
            else:
                self.rest.append(word)
                if word.startswith(b"--"):
                    break
        self.rest += self._left

    def _next(self, name: bytes) -> bytes:
        if not self._left:
            raise UsageError(USAGE, f"option requires an argument -- {name.decode()}")
        return self._left.pop(0)


def seconds(word: bytes) -> float:
    whole, _, part = word.partition(b".")
    if not (whole + part).isdigit() or len(word) > 20:
        raise UsageError(USAGE, "--timeout takes seconds")
    return float(word)


def look() -> awaited.View | None:
    """How the service in the working directory is; None if nobody supervises it. Raises OSError."""
    try:
        servicedir.check_attended()
    except OSError as error:
        if servicedir.is_unattended(error) or isinstance(error, FileNotFoundError):
            return None
        raise
    descriptor = servicedir.open_status()
    try:
        known = status.unpack(os.read(descriptor, status.SIZE))
    except FormatError:
        known = status.Status(0, 0, 0)  # about to be written for the first time
    finally:
        os.close(descriptor)
    if known.pid:
        ready = not servicedir.says_when_ready() or servicedir.ready_since(known.pid) is not None
        return awaited.View(known, ready=ready, finishing=False)
    return awaited.View(known, ready=False, finishing=servicedir.is_finishing())


def look_at(directories: list[bytes]) -> dict[bytes, awaited.View | None]:
    """Raises Temporary for one that cannot be looked at."""
    views: dict[bytes, awaited.View | None] = {}
    for directory, failure in servicedir.visit(directories):
        shown = os.fsdecode(directory)
        if failure is not None:
            raise Temporary(f"unable to chdir to {shown}: {errtext.reason(failure)}") from failure
        try:
            views[directory] = look()
        except OSError as error:
            raise Temporary(f"unable to look at {shown}: {errtext.reason(error)}") from error
    return views


def wait(waiting: Waiting, directories: list[bytes], first: dict[bytes, awaited.View | None]) -> int:
    """Until they are as wanted: an exit status."""
    import time  # noqa: PLC0415  only those who wait need it

    deadline = None if waiting.timeout is None else time.monotonic() + waiting.timeout
    pause = PAUSE
    while True:
        views = look_at(directories)
        missing = [name for name in views if not awaited.reached(waiting.state, views[name], first[name])]
        if not missing or (waiting.any and len(missing) < len(views)):
            return 0
        wanted = waiting.state.decode()
        for name in missing:
            if views[name] is None and not (waiting.any and len(views) > 1):
                ending.warn(NAME, f"{os.fsdecode(name)} will not be {wanted}: supervise not running")
                return NOT_SUPERVISED
        if deadline is not None and time.monotonic() >= deadline:
            for name in missing:
                ending.warn(NAME, f"{os.fsdecode(name)} is not {wanted}: timed out")
            return TIMED_OUT
        left = pause if deadline is None else deadline - time.monotonic()
        time.sleep(max(0.0, min(pause, left)))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def body(arguments: list[bytes]) -> int:
    try:
        waiting = Waiting(arguments)
        options, directories = Chain(USAGE, flags=LETTERS).parse(waiting.rest)
    except UsageError as error:
        raise WrongUsage(USAGE, error.problem) from error
    commands = "".join(dict.fromkeys(letter for letter, _ in options)).encode()
    first = look_at(directories) if waiting.state else {}
    told = directories if commands or not waiting.state else []
    for directory, failure in servicedir.visit(told):
        if failure is not None:
            problem = "unable to chdir to {}: " + errtext.reason(failure)
        else:
            problem = send(commands)
        if problem:
            ending.warn(NAME, problem.format(os.fsdecode(directory)))
    return wait(waiting, directories, first) if waiting.state else 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
