"""A service: a group of supervisord's with one process or, with a logger, two, and the pipe between.

`supervisorctl` shows a service NAME as NAME, and its logger as NAME:log.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from supervisor.options import ProcessConfig, ProcessGroupConfig
from supervisor.process import ProcessGroup
from supervisor.states import ProcessStates

from smarthost.supervision import multilog
from smarthost.supervision.attendance import open_home
from smarthost.supervision.bulletin import loggable
from smarthost.supervision.logpipe import LogPipe
from smarthost.supervision.process import ServiceProcess
from smarthost.supervision.scan import Service, called

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long a logger may go on after its service has ended, in seconds. Usually that is as long as it
# takes to read the rest of the pipe. A connection that tcpserver leaves behind holds the pipe open,
# for up to an hour.
LOGGER_BOUND: Final = 5.0
# With unread lines in the pipe it is worth waiting for longer: the disk may be slow, or full.
UNREAD_BOUND: Final = 30.0
# After that it is sent TERM, and may take as long again as one that writes to a slow disk needs.
LAST_BOUND: Final = 10.0
# How long a service may take to end after its TERM when the engine ends. Then it is left: never KILL.
PRODUCER_BOUND: Final = 60.0


class ServiceProcessConfig(ProcessConfig):  # type: ignore[misc]  # supervisor is untyped
    """What supervisord and its interfaces ask about one process."""

    # Not ours to have: the service's own files say all that.
    uid = umask = environment = serverurl = None
    stdout_syslog = stderr_syslog = redirect_stderr = False
    stdout_events_enabled = stderr_events_enabled = False
    stdout_capture_maxbytes = stderr_capture_maxbytes = 0
    stdout_logfile_backups = stderr_logfile_backups = 0
    stdout_logfile_maxbytes = stderr_logfile_maxbytes = 0
    stderr_logfile = None
    stopasgroup = killasgroup = False
    stopsignal = signal.SIGTERM
    stopwaitsecs = 0
    startsecs = 1
    startretries = 0
    exitcodes = (0,)
    autorestart = True
    command = "./run"

    def __init__(self, options: Any, name: str, path: bytes, priority: int) -> None:
        self.options = options
        self.priority = priority
        self.call(name, path)
        self.autostart = False  # supervisord is not to start it: we do
        self.logger: ServiceProcess | None = None
        self._logfile: str | None = None

    def call(self, name: str, path: bytes) -> None:
        self.name = name
        self.path = path
        self.directory = os.fsdecode(path)
        self.shown = loggable(self.directory)

    @property
    def stdout_logfile(self) -> str | None:
        """Where its log can be read: the file that multilog writes, so that supervisorctl tail -f works."""
        logger = self.logger
        if logger is not None and logger.pid:
            found = multilog.current_file(logger.pid, logger.config.path)
            if found is not None and found == loggable(found):  # XML-RPC knows no others
                self._logfile = found
        return self._logfile

    def create_autochildlogs(self) -> None:
        """None are wanted: there are loggers for that."""

    def make_process(self, group: Any = None) -> ServiceProcess:
        return ServiceProcess(self, group)


class ServiceGroupConfig(ProcessGroupConfig):  # type: ignore[misc]  # supervisor is untyped
    def __init__(self, options: Any, service: Service) -> None:
        name = called(service.name)
        self.service = service
        self.producer = ServiceProcessConfig(options, name, service.path, 998)
        self.logger: ServiceProcessConfig | None = None
        if service.logged:
            self.logger = ServiceProcessConfig(options, _log_of(name), service.path + b"/log", 999)
        configs = [self.producer] if self.logger is None else [self.producer, self.logger]
        super().__init__(options, name, 999, configs)

    def call(self, name: str, service: Service) -> None:
        self.name = name
        self.service = service
        self.producer.call(name, service.path)
        if self.logger is not None:
            self.logger.call(_log_of(name), service.path + b"/log")

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def make_group(self) -> ServiceGroup:
        return ServiceGroup(self)


def _log_of(name: str) -> str:
    return "log" if name != "log" else "log.log"


class ServiceGroup(ProcessGroup):  # type: ignore[misc]  # supervisor is untyped
    """closing: the service is being stopped for good, because of the engine's end or its directory's."""

    def __init__(self, config: ServiceGroupConfig) -> None:
        super().__init__(config)
        self.closing = False
        self._closing_since = 0.0
        self._alone_since: float | None = None
        self._given_up = False
        self.producer: ServiceProcess = self.processes[config.producer.name]
        self.logger: ServiceProcess | None = None
        self._pipe: LogPipe | None = None
        if config.logger is not None:
            self._pipe = LogPipe(lambda: self.open_home(self.producer))
            self.logger = self.processes[config.logger.name]
            config.producer.logger = config.logger.logger = self.logger

    def call(self, name: str, service: Service) -> None:
        """Its directory has another name by now, or another directory has its name."""
        self.config.call(name, service)
        for before, process in list(self.processes.items()):
            del self.processes[before]
            self.processes[process.config.name] = process
            process.attendance.name = process.config.shown

    # What its processes ask

    def open_home(self, process: ServiceProcess) -> int:
        """A descriptor of its directory, whatever that is called by now. Raises OSError."""
        home = self.producer.attendance.home
        if process is not self.producer:
            outer = self.open_home(self.producer)
            try:
                return open_home(b"log", at=outer)
            finally:
                os.close(outer)
        if home >= 0:
            return os.dup(home)
        service: Service = self.config.service
        opened = open_home(service.path)
        found = os.fstat(opened)
        if (found.st_dev, found.st_ino) != service.identity:
            os.close(opened)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return opened

    @contextmanager
    def places_for(self, process: ServiceProcess) -> Iterator[dict[int, int]]:
        """What stands where for one of the processes, for the moment. Raises OSError."""
        places: dict[int, int] = {}
        try:
            if self._pipe is None:
                pass
            elif process is self.logger:
                places[0] = self._pipe.reading_end(last=self._alone_since is not None)
            else:
                places[1] = self._pipe.writing_end()
            yield places
        finally:
            for end in places.values():
                os.close(end)

    def hold_pipe(self) -> None:
        """For a process that has its end already. Raises OSError."""
        if self._pipe is not None:
            self._pipe.hold()

    def is_over(self, process: ServiceProcess) -> bool:
        """Whether the process is not to be started any more."""
        return self.closing and process is self.producer

    def is_ready(self) -> bool:
        """It has said so; or, if it never does, has been up for a second."""
        if self.producer.announces:
            return self.producer.ready
        return bool(self.producer.state == ProcessStates.RUNNING)

    def waits_for(self, process: ServiceProcess) -> str:
        """The services that it depends on and that are not ready, for a line in the log."""
        if process is not self.producer:
            return ""
        missing = []
        for name in process.settings.depends():
            other = self.config.options.service(name)
            if other is None:
                missing.append(f"{called(name)} (which is not there)")
            elif not other.is_ready():
                missing.append(other.config.name + (" (in a circle)" if other.depends_on(self) else ""))
        return ", ".join(missing)

    def depends_on(self, target: ServiceGroup) -> bool:
        """Itself or through others."""
        seen: set[int] = set()
        open_ends = [self]
        while open_ends:
            group = open_ends.pop()
            if group is target:
                return True
            if id(group) in seen or group.producer.attendance.home < 0:
                continue
            seen.add(id(group))
            found = (self.config.options.service(name) for name in group.producer.settings.depends())
            open_ends += [other for other in found if other is not None]
        return False

    # The end

    def stop_all(self) -> None:
        """Stop in order; called in every round of the main loop until nothing is up.

        The service is sent TERM. Once it has ended the pipe is closed, and the logger, which reads
        what is left and then the end of file, ends by itself. It is sent TERM only when it has not
        ended after a bound. A logger that dies before it has read everything is started again.
        """
        now = time.monotonic()
        if not self.closing:
            self.closing = True
            self._closing_since = now
        self._end(self.producer)
        if self.logger is None or self._pipe is None or self.producer.up():
            return
        if self._alone_since is None:
            self._alone_since = now
            self._pipe.end_writing()
            self.logger.go_on()  # one that is paused reads nothing
        unread = self._pipe.unread()
        bound = self._alone_since + (UNREAD_BOUND if unread else LOGGER_BOUND)
        if not self.logger.attendance.held:
            bound = now  # it is not ours, or cannot be
        if now >= bound:
            self._end(self.logger)
            return
        self.config.options.poller.wake_at(bound)
        if self.logger.up():
            return
        if unread and not self.logger.administrative_stop:
            self.logger.start_when_due()
        else:
            self.logger.settle()

    @staticmethod
    def _end(process: ServiceProcess) -> None:
        if process.state in (ProcessStates.STARTING, ProcessStates.RUNNING) or (
            process.up() and process.state == ProcessStates.BACKOFF
        ):
            process.end()
        process.settle()

    def give_up_if_late(self) -> None:
        """What does not end runs on: the next engine takes it over."""
        now = time.monotonic()
        since, bound = self._closing_since, PRODUCER_BOUND
        if self._alone_since is not None:
            since, bound = self._alone_since, UNREAD_BOUND + LAST_BOUND
        self.config.options.poller.wake_at(since + bound)
        if now >= since + bound and not self._given_up:
            self._given_up = True
            for process in self.processes.values():
                if process.up():
                    self.config.options.announce(f"{process.name} does not end: it is left running")

    def get_unstopped_processes(self) -> list[ServiceProcess]:
        """Also a logger that is down but has something left to read."""
        if self._given_up:
            return []
        return [
            process
            for process in self.processes.values()
            if process.up() or process.state == ProcessStates.BACKOFF
        ]

    def attended(self) -> bool:
        """Whether anything of it is still in our hands."""
        return any(not process.left for process in self.processes.values())

    def look_again(self) -> None:
        """Its directory is still there: what svc -x let go of is attended to again, as svscan does."""
        for process in self.processes.values():
            process.left = False

    def before_remove(self) -> None:
        self.closing = True  # supervisord may look at it once more in this round
        for process in self.processes.values():
            process.release()
        if self._pipe is not None:
            if not any(process.up() for process in self.processes.values()) and (
                unread := self._pipe.unread()
            ):
                self.config.options.announce(f"{unread} bytes for the log of {self.config.name} are lost")
            self._pipe.close()
