"""The engine as a process: python -m smarthost.supervision DIRECTORY [CONFIGURATION]. See engine.py."""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import UsageError
from smarthost.supervision import engine
from smarthost.unix import environment, signals


def body(arguments: list[bytes]) -> int:
    signals.unblock([signals.SIGINT])  # see launch.become_engine
    if len(arguments) not in (1, 2):
        raise UsageError("smarthost.supervision directory [ configuration ]")
    environment.undo_python()
    configuration = os.fsdecode(arguments[1]) if len(arguments) == 2 else None
    return engine.serve(arguments[0], configuration, dict(os.environb))


if __name__ == "__main__":
    raise SystemExit(ending.run(engine.NAME, body, manual=engine.__doc__))
