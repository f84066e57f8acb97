"""unixclient: connect to a UNIX-domain socket, then become a program

    unixclient socket program [ arg ... ]

Reads   nothing; the program reads the server on its descriptor 6 and writes to it on 7
Writes  nothing; the program finds PROTO=UNIX, UNIXLOCAL* and UNIXREMOTE* in its environment
Exits   100 without a program, 111 if there is no connection or the program cannot be run; else as it does
Differs failures have this family's words and exit with 100 or 111, not with 1;
        --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.policy import ucspiunix
from smarthost.policy.ucspiunix import Connection
from smarthost.unix import environment, errtext, pathsockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "unixclient"
USAGE = "unixclient socket program"

READ: Final = 6
WRITE: Final = 7


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise UsageError(USAGE)
    path, *program = arguments
    try:
        descriptor = pathsockets.connect(path).detach()
        server = Connection(descriptor, *pathsockets.peer(descriptor))
        for place in (READ, WRITE):
            if place != descriptor:
                os.dup2(descriptor, place)
            os.set_inheritable(place, True)
        if descriptor not in (READ, WRITE):
            os.close(descriptor)
    except OSError as error:
        raise Temporary(f"unable to {error.strerror}: {errtext.reason(error)}") from error
    environ = environment.current()
    environ.update(
        (name, value)
        for name, value in ucspiunix.environment(server, path, os.getuid(), os.getgid())
        if value is not None
    )
    environ[ucspiunix.LOCAL_PID] = b"%d" % os.getpid()
    launch.become(program, environ)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
