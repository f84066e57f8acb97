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

import fcntl
import io
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import signame
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from smarthost.errors import Temporary
from smarthost.supervision import start
from smarthost.supervision.engineoptions import EngineOptions
from smarthost.supervision.group import ServiceGroup, ServiceGroupConfig
from smarthost.supervision.scan import Identity, Unclear, scan
from smarthost.unix import errtext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME: Final = "smarthost"
# A start that was under way when the last engine was killed has its locks for some milliseconds more.
PATIENCE: Final = 0.5
# As svscan, in seconds.
SCAN_INTERVAL: Final = 5.0
# A service is gone when this many scans in turn have not found it: replacing a link takes a moment.
SCANS_TO_BE_GONE: Final = 2
_WITHOUT_CONFIGURATION: Final = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/dev/null\n"


class Engine(Supervisor):  # type: ignore[misc]  # supervisor is untyped
    """stops: whether a service is stopped once it is no longer in the directory."""

    def __init__(self, options: EngineOptions, directory: bytes, *, stops: bool = True) -> None:
        super().__init__(options)
        options.service = self._called
        # supervisord looks at every service before it waits for processes: a start would wait for that.
        options.poller.signalled = self.reap
        self._stops = stops
        self._directory = directory
        self._next_scan = 0.0
        self._services: dict[Identity, ServiceGroup] = {}
        self._missed: dict[Identity, int] = {}
        self._unclear: dict[bytes, str] = {}  # so that each is said once

    def _called(self, name: bytes) -> ServiceGroup | None:
        return next((group for group in self._services.values() if group.config.service.name == name), None)

    # The scan

    def tick(self, now: float | None = None) -> None:
        """The last thing in each round of the main loop."""
        super().tick(now)
        if self.options.mood < SupervisorStates.RUNNING:
            return
        for identity, group in list(self._services.items()):
            if group.closing:
                self._drop(identity, group)
        if time.monotonic() >= self._next_scan:
            self._next_scan = time.monotonic() + SCAN_INTERVAL
            self._scan()
        self.options.poller.wake_at(self._next_scan)

    def runforever(self) -> None:
        try:
            self.tick()
            super().runforever()
        finally:
            for group in self.process_groups.values():
                group.before_remove()

    def _scan(self) -> None:
        seen: set[Identity] = set()
        unclear: dict[bytes, str] = {}
        try:
            found = list(scan(self._directory))
        except OSError as error:
            self._say_once({self._directory: f"unable to read directory: {errtext.reason(error)}"})
            return
        for service in found:
            if isinstance(service, Unclear):
                unclear[service.name] = service.problem
                continue
            seen.add(service.identity)
            if service.identity not in self._services:
                config = ServiceGroupConfig(self.options, service)
                # Another directory may still be going down under that name: the next scan is soon.
                if self.add_process_group(config):
                    self._services[service.identity] = self.process_groups[config.name]
                    self.options.poller.hurry()
        self._say_once(unclear)
        for identity, group in list(self._services.items()):
            if identity in seen:
                self._missed[identity] = 0
                group.look_again()
            elif group.config.service.name not in unclear:
                self._missed[identity] = self._missed.get(identity, 0) + 1
                self._miss(identity, group)

    def _miss(self, identity: Identity, group: ServiceGroup) -> None:
        """A scan has not found it."""
        if not group.attended():
            self._drop(identity, group)
        elif self._missed[identity] == SCANS_TO_BE_GONE and not group.closing:
            if self._stops or group.producer.attendance.is_deleted():
                self.options.announce(f"{group.config.name} is no longer in the directory: stopping it")
                group.stop_all()
            else:
                self.options.announce(
                    f"{group.config.name} is no longer in the directory: it goes on until svc -x"
                )

    def _drop(self, identity: Identity, group: ServiceGroup) -> None:
        group.stop_all()
        if self.remove_process_group(group.config.name):
            self._missed.pop(identity, None)

    def _say_once(self, problems: dict[bytes, str]) -> None:
        for name, problem in problems.items():
            if self._unclear.get(name) != problem:
                self.options.announce(problem)
        self._unclear = problems

    def remove_process_group(self, name: str) -> bool:
        """Also asked by supervisorctl remove: the next scan brings a service back that is still there."""
        removed = bool(super().remove_process_group(name))
        if removed:
            names = {identity for identity, group in self._services.items() if group.config.name == name}
            for identity in names:
                del self._services[identity]
        return removed

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:  # noqa: ARG002  supervisord's
        """As many as have ended. supervisord forgets an id after it has told, when it may be in use again."""
        while True:
            pid, status = self.options.waitpid()
            if not pid:
                return
            process = self.options.pidhistory.pop(pid, None)
            if process is None:
                self.options.logger.info(f"reaped unknown pid {pid}")
            else:
                process.finish(pid, status)
            if once:
                return

    def diff_to_active(self) -> tuple[list[Any], list[Any], list[Any]]:
        """For supervisorctl update, which would remove every group that is not in CONFIGURATION."""
        added, changed, removed = super().diff_to_active()
        return added, changed, [config for config in removed if not isinstance(config, ServiceGroupConfig)]

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
                self._next_scan = 0.0
            elif sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                if self.options.mood == SupervisorStates.SHUTDOWN:
                    self.options.announce(f"received {signame(sig)} again: leaving what still runs")
                    raise asyncore.ExitNow
                self.options.mood = SupervisorStates.SHUTDOWN
            elif sig == signal.SIGUSR2:
                self.options.reopenlogs()


def lock(directory: bytes) -> int:
    """Be the only engine of this directory, for as long as the descriptor is open."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Temporary(f"unable to read {os.fsdecode(directory)}: {errtext.reason(error)}") from error
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            os.close(descriptor)
            raise Temporary(f"the services of {os.fsdecode(directory)} are already being run") from error
        return descriptor


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
