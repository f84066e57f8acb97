"""svc: steer services.

usage: svc [ -udopchaitkx ] services

        -u  up: start it, and again whenever it ends      -p  pause: send STOP
        -d  down: send TERM and CONT, and let it end      -c  continue: send CONT
        -o  once: start it, and let it end                -h  send HUP
        -x  exit: stop supervising once it has ended      -a  send ALRM
                                                          -i  send INT
                                                          -t  send TERM
                                                          -k  send KILL

Reads   nothing
Writes  the letters, each once and in the order given, into supervise/control of each directory; a line
        about each that cannot be controlled
Exits   0, also after such a line; 100 for wrong arguments, 111 if it cannot come back to the directory
        it was started in
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import UsageError
from smarthost.options import Chain
from smarthost.store import servicedir
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "svc"
LETTERS = "udopchaitkx"
USAGE = "svc options: u up, d down, o once, x exit, p pause, c continue, h hup, a alarm, i interrupt, t term, k kill"


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


def body(arguments: list[bytes]) -> int:
    try:
        options, directories = Chain(USAGE, flags=LETTERS).parse(arguments)
    except UsageError as error:
        raise WrongUsage(USAGE, error.problem) from error
    commands = "".join(dict.fromkeys(letter for letter, _ in options)).encode()
    for directory, failure in servicedir.visit(directories):
        if failure is not None:
            problem = "unable to chdir to {}: " + errtext.reason(failure)
        else:
            problem = send(commands)
        if problem:
            ending.warn(NAME, problem.format(os.fsdecode(directory)))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
