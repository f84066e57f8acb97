"""A service: a group of supervisord's with one process or, with a logger, two, and the pipe between.

`supervisorctl` shows a service NAME as NAME, and its logger as NAME:log.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any, Final

from supervisor.options import ProcessConfig, ProcessGroupConfig
from supervisor.process import ProcessGroup
from supervisor.states import ProcessStates

from smarthost.supervision import multilog
from smarthost.supervision.logpipe import LogPipe
from smarthost.supervision.process import ServiceProcess
from smarthost.supervision.scan import Service, called

# How long a logger may go on after its service has ended, in seconds. Usually that is as long as it
# takes to read the rest of the pipe. A connection that tcpserver leaves behind holds the pipe open,
# for up to an hour.
LOGGER_BOUND: Final = 5.0
# With unread lines in the pipe it is worth waiting for longer: the disk may be slow, or full.
UNREAD_BOUND: Final = 30.0


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
        self.name = name
        self.path = path
        self.priority = priority
        self.directory = os.fsdecode(path)
        # As supervise, once: when the service is first seen. lexists would miss a `down` that is unreadable.
        self.autostart = not os.path.lexists(path + b"/down")
        self.logger: ServiceProcess | None = None
        self._logfile: str | None = None

    @property
    def stdout_logfile(self) -> str | None:
        """Where its log can be read: the file that multilog writes, so that supervisorctl tail -f works."""
        logger = self.logger
        if logger is not None and logger.pid:
            self._logfile = multilog.current_file(logger.pid, logger.config.path) or self._logfile
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
            log = "log" if name != "log" else "log.log"
            self.logger = ServiceProcessConfig(options, log, service.path + b"/log", 999)
        configs = [self.producer] if self.logger is None else [self.producer, self.logger]
        super().__init__(options, name, 999, configs)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def make_group(self) -> ServiceGroup:
        return ServiceGroup(self)


class ServiceGroup(ProcessGroup):  # type: ignore[misc]  # supervisor is untyped
    """closing: the service is being stopped for good, because of the engine's end or its directory's."""

    def __init__(self, config: ServiceGroupConfig) -> None:
        super().__init__(config)
        self.closing = False
        self._alone_since: float | None = None
        self.producer: ServiceProcess = self.processes[config.producer.name]
        self.logger: ServiceProcess | None = None
        self._pipe: LogPipe | None = None
        if config.logger is not None:
            self._pipe = LogPipe(config.service.path)
            self.logger = self.processes[config.logger.name]
            config.producer.logger = config.logger.logger = self.logger

    def ends_for(self, process: ServiceProcess) -> tuple[int | None, int | None]:
        """Standard input and output for one of the processes; None: what it has without us. Raises OSError."""
        if self._pipe is None:
            return None, None
        if process is self.logger:
            return self._pipe.reading_end(last=self._alone_since is not None), None
        return None, self._pipe.writing_end()

    def stop_all(self) -> None:
        """Stop in order; called in every round of the main loop until nothing is up.

        The service is sent TERM. Once it has ended the pipe is closed, and the logger, which reads
        what is left and then the end of file, ends by itself. It is sent TERM only when it has not
        ended after a bound. A logger that dies before it has read everything is started again.
        """
        self.closing = True
        self._stop(self.producer)
        if self.logger is None or self._pipe is None or self.producer.up():
            return
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
            self._pipe.end_writing()
        unread = self._pipe.unread()
        bound = self._alone_since + (UNREAD_BOUND if unread else LOGGER_BOUND)
        if now >= bound:
            if unread and not self.logger.up() and self.logger.state == ProcessStates.BACKOFF:
                self.config.options.announce(f"{unread} bytes for the log of {self.config.name} are lost")
            self._stop(self.logger)
            return
        self.config.options.poller.wake_at(bound)
        if self.logger.up():
            return
        if unread and not self.logger.administrative_stop:
            self.logger.start_when_due()
        else:
            self.logger.settle()

    @staticmethod
    def _stop(process: ServiceProcess) -> None:
        if process.state in (ProcessStates.STARTING, ProcessStates.RUNNING):
            process.stop()
        process.settle()

    def get_unstopped_processes(self) -> list[ServiceProcess]:
        """Also a logger that is down but has something left to read."""
        return [
            process
            for process in self.processes.values()
            if process.up() or process.state == ProcessStates.BACKOFF
        ]

    def before_remove(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
