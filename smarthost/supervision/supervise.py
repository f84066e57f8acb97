"""supervise's process: python -P -m smarthost.supervision.supervise DIRECTORY. See engine.py.

One service, without a logger and without a directory that is scanned. It ends with svc -x.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.medusa import asyncore_25 as asyncore

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.supervision import start
from smarthost.supervision.engine import Engine, run_once
from smarthost.supervision.group import ServiceGroup, ServiceGroupConfig
from smarthost.supervision.roster import PATIENCE
from smarthost.supervision.scan import Service
from smarthost.unix import environment, errtext, signals

if TYPE_CHECKING:
    from smarthost.supervision.engineoptions import EngineOptions

NAME: Final = "supervise"


class One(Engine):
    """shown: the directory as it was given."""

    def __init__(self, options: EngineOptions, service: Service, shown: str) -> None:
        super().__init__(options, service.path)
        self._service = service
        self._shown = shown
        self._group: ServiceGroup | None = None

    def _look_around(self) -> None:
        """Once: begin, or end at once."""
        if self._group is not None:
            return
        config: Any = ServiceGroupConfig(self.options, self._service)
        config.producer.shown = self._shown
        self.add_process_group(config)
        self._group = self.process_groups[config.name]
        process = self._group.producer
        process.quiet = True
        deadline = time.monotonic() + PATIENCE
        while not process.attendance.held:
            process.look()
            if not process.attendance.held and time.monotonic() >= deadline:
                raise Temporary(process.spawnerr)
            time.sleep(0 if process.attendance.held else 0.01)
        process.quiet = False
        self.options.poller.hurry()

    def tick(self, now: float | None = None) -> None:
        super().tick(now)
        if self._group is not None and self._group.producer.left:
            raise asyncore.ExitNow


def body(arguments: list[bytes]) -> int:
    signals.unblock([signals.SIGINT])  # see launch.become_engine
    environment.undo_python()
    [directory] = arguments
    shown = os.fsdecode(directory)
    try:
        os.chdir(directory)
        here = os.getcwdb()
        found = os.stat(b".")
    except OSError as error:
        raise Temporary(f"unable to chdir to {shown}: {errtext.reason(error)}") from error
    service = Service(os.path.basename(here) or b"root", here, (found.st_dev, found.st_ino), logged=False)
    start.keep_to_ourselves()
    starter = start.Starter(dict(os.environb), null=False)
    start.raise_limit()
    try:
        run_once(lambda options: One(options, service, shown), None, starter, NAME)
    finally:
        starter.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(ending.run(NAME, body))
