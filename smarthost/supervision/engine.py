"""supervisord with service directories: what svscan and its supervises do, in one process.

    python -m smarthost.supervision DIRECTORY [CONFIGURATION]

Reads   DIRECTORY, a directory of service directories, or of links to them, at the start, every
        five seconds, and at once on SIGHUP; CONFIGURATION, supervisord's own file, for its sockets,
        its log and programs of its own (without it there are none)
Writes  supervise/ of each service and of each logger, as daemontools' supervise; on stderr what an
        administrator must know
Exits   0 when all services have been stopped in order, after SIGTERM, SIGINT or supervisorctl shutdown;
        what does not end within a minute, or before a second signal, is left. 111 when it cannot start

Killed, it leaves the services running, and the next one takes them over.
"""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import signame
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from smarthost.supervision import children, start
from smarthost.supervision.engineoptions import EngineOptions
from smarthost.supervision.group import ServiceGroup
from smarthost.supervision.roster import Roster, lock, spare_services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME: Final = "smarthost"
# The limits are the services', as they were given: supervisord would raise those that seem low to it, or not start.
_WITHOUT_CONFIGURATION: Final = """
[supervisord]
logfile=/dev/null
logfile_maxbytes=0
pidfile=/dev/null
minfds=1
minprocs=1
"""


class Engine(Supervisor):  # type: ignore[misc]  # supervisor is untyped
    """stops: whether a service is stopped once it is no longer in the directory."""

    def __init__(self, options: EngineOptions, directory: bytes, *, stops: bool = True) -> None:
        super().__init__(options)
        self._roster = Roster(self, options, directory, stops=stops)
        options.service = self._roster.called
        # supervisord looks at every service before it waits for processes: a start would wait for that.
        options.poller.signalled = self.reap

    def tick(self, now: float | None = None) -> None:
        """The last thing in each round of the main loop."""
        super().tick(now)
        if self.options.mood >= SupervisorStates.RUNNING:
            self._look_around()

    def _look_around(self) -> None:
        self._roster.round()

    def runforever(self) -> None:
        try:
            self.tick()
            super().runforever()
        finally:
            for group in self.process_groups.values():
                group.before_remove()

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:  # noqa: ARG002  supervisord's
        """As many as have ended."""
        children.reap(self.options, once=once)

    def diff_to_active(self) -> tuple[list[Any], list[Any], list[Any]]:
        """For supervisorctl update, which would remove every group that is not in CONFIGURATION."""
        added, changed, removed = super().diff_to_active()
        return added, changed, spare_services(removed)

    # The end

    def ordered_stop_groups_phase_1(self) -> None:
        """All at once, each in its own order; supervisord stops one group after the other."""
        for group in self.stop_groups:
            group.stop_all()
            if isinstance(group, ServiceGroup):
                group.give_up_if_late()

    def ordered_stop_groups_phase_2(self) -> None:
        """Nothing to wait for before the next group."""

    def handle_signal(self) -> None:
        """All signals that have come; supervisord takes one in each round."""
        received = self.options.signal_receiver
        while sig := received.get_signal():
            if sig == signal.SIGHUP:
                self._roster.rescan()
            elif sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                if self.options.mood == SupervisorStates.SHUTDOWN:
                    self.options.announce(f"received {signame(sig)} again: leaving what still runs")
                    raise asyncore.ExitNow
                self.options.mood = SupervisorStates.SHUTDOWN
            elif sig == signal.SIGUSR2:
                self.options.reopenlogs()


def serve(
    directory: bytes,
    configuration: str | None,
    environ: dict[bytes, bytes],
    *,
    name: str = NAME,
    null: bool = True,
    stops: bool = True,
) -> int:
    """Run the services until told to stop.

    name: how messages begin; null: whether services get /dev/null as standard input, or our own; stops: whether
    one that is no longer in the directory is stopped
    """
    start.keep_to_ourselves()
    starter = start.Starter(environ, null=null)
    start.raise_limit()
    directory = os.path.abspath(directory)
    held = lock(directory)

    def make(options: EngineOptions) -> Engine:
        return Engine(options, directory, stops=stops)

    try:
        while run_once(make, configuration, starter, name) == SupervisorStates.RESTARTING:
            pass
    finally:
        os.close(held)
        starter.close()
    return 0


def run_once(
    make: Callable[[EngineOptions], Engine], configuration: str | None, starter: start.Starter, name: str
) -> int:
    """Until a signal, or supervisorctl, ends it or has it begin anew: which of both."""
    options = EngineOptions(starter, name)
    arguments: Sequence[str] = ["-n"]
    if configuration is None:
        options.configfile = io.StringIO(_WITHOUT_CONFIGURATION)
    else:
        arguments = ["-n", "-c", configuration]
    options.realize(arguments, doc=__doc__, progname=name)
    options.first = True
    options.test = False
    options.nocleanup = True
    try:
        make(options).main()
    except asyncore.ExitNow:
        pass
    finally:
        options.close_httpservers()
        if getattr(options, "logger", None) is not None:
            options.close_logger()
    return int(options.mood)
