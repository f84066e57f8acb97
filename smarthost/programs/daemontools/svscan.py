"""svscan: run all services of a directory.

usage: svscan [ dir [ configuration ] ]

        dir            whose subdirectories, or links to such, are services (the working directory)
        configuration  of supervisord, for supervisorctl and the web page; without it there are none

Becomes supervisord with service directories: one process for all services and their loggers.
Reads   dir at the start, every five seconds, and at once after HUP
Writes  supervise/ of each service; on descriptor 2 what an administrator must know
Exits   0 after TERM, INT or QUIT, when everything has been stopped: services first, each logger when it has read
        everything. What has not ended after a minute, or before a second signal, is left running. 111 if it
        cannot start
Differs TERM stops the services, which the original leaves to their supervises; after KILL they run on, and
        the next svscan takes them over. There is no supervise for each, no limit of 1000, and a pipe outlives
        the process that made it. A service whose directory is deleted, not only its link, is stopped. A second
        svscan of the same directory refuses to start. Lines about ./run begin with "svscan: warning" and come
        once, not every second; what cannot be printed of a name is a % and two digits. Each ./run has a session
        of its own. Another argument is a configuration, where the original ignores it. --help and --version,
        alone, are answered
"""

from __future__ import annotations

from smarthost import ending, launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

NAME = "svscan"


def body(arguments: list[bytes]) -> NoReturn:
    launch.become_engine(b"smarthost.supervision.svscan", arguments)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
