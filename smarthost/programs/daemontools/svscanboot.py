"""svscanboot: run all services, with what goes wrong kept where ps shows it.

usage: svscanboot [ dir ]

        dir  of services; else /service if there is one, else /etc/service

Starts  svc -dx on what a former svscan has left; then svscan dir, with a readproctitle that reads its
        output. All of them with nothing but PATH in their environment, and /dev/null as standard input
Exits   as svscan, which it becomes
Differs the original is a shell that waits for both; a signal to this one reaches svscan, so that TERM
        stops the services in order. The directory that it was started from comes first in PATH. The
        argument; the original, as Debian has it, knows only /etc/service. --help and --version, alone, are answered
"""

from __future__ import annotations

import os
import sys

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.unix import errtext, fds, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, NoReturn

NAME = "svscanboot"
PATH: Final = b"/command:/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/X11R6/bin"
USUAL: Final = (b"/service", b"/etc/service")
# So long is the line that ps shows.
ROOM: Final = b"." * 400


def services(directory: bytes) -> list[bytes]:
    """As a shell's dir/* dir/*/log: each of them, or the pattern where nothing fits it."""
    try:
        names = sorted(name for name in files.names(directory) if not name.startswith(b"."))
    except OSError:
        names = []
    found = [directory + b"/" + name for name in names]
    logs = [service + b"/log" for service in found if os.path.lexists(service + b"/log")]
    return (found or [directory + b"/*"]) + (logs or [directory + b"/*/log"])


def body(arguments: list[bytes]) -> NoReturn:
    if len(arguments) > 1:
        raise UsageError("svscanboot [ dir ]")
    usual = next((place for place in USUAL if os.path.isdir(place)), USUAL[0])
    directory = arguments[0] if arguments else usual
    path = PATH
    if sys.argv[0]:
        path = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0]))) + b":" + PATH
    os.environb.clear()
    os.environb[b"PATH"] = path
    for descriptor in (0, 1, 2):
        fds.null(descriptor)
    try:
        launch.call([b"svc", b"-dx", *services(directory)])
    except Temporary:
        pass  # as the original: without svc there is nothing to be told
    try:
        reading, writing = os.pipe()
        _show(reading)
        for descriptor in (1, 2):
            os.dup2(writing, descriptor)
        os.close(writing)
        os.close(reading)
    except OSError as error:
        raise Temporary(f"unable to start readproctitle: {errtext.reason(error)}") from error
    launch.become([b"svscan", directory])


def _show(reading: int) -> None:
    """Start readproctitle on the pipe's end."""
    if not os.fork():
        try:
            os.dup2(reading, 0)
            launch.become([b"readproctitle", b"service", b"errors:", ROOM])
        finally:
            os._exit(111)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
