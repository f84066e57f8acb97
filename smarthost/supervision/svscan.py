"""svscan's process: python -P -m smarthost.supervision.svscan [DIRECTORY [CONFIGURATION]]. See engine.py.

As the original it changes into the directory and gives its own standard input to services without a
pipe; and a service whose link is removed goes on until svc -x.
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.supervision import engine
from smarthost.unix import environment, errtext, signals

NAME = "svscan"


def body(arguments: list[bytes]) -> int:
    signals.unblock([signals.SIGINT])  # see launch.become_engine
    environment.undo_python()
    configuration = os.path.abspath(os.fsdecode(arguments[1])) if len(arguments) > 1 else None
    if arguments:
        try:
            os.chdir(arguments[0])
        except OSError as error:
            raise Temporary(
                f"unable to chdir to {os.fsdecode(arguments[0])}: {errtext.reason(error)}"
            ) from error
    return engine.serve(b".", configuration, dict(os.environb), name=NAME, null=False, stops=False)


if __name__ == "__main__":
    raise SystemExit(ending.run(NAME, body))
