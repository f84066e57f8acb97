"""One process of a service, its run or its log's, among supervisord's processes.

supervisord's states mean here:

STOPPED    down, and wanted down (or not started because of the file `down`)
STARTING   up, for less than a second
RUNNING    up
BACKOFF    down, wanted up: waits for the end of the second in which it was last started
STOPPING   up, wanted down
EXITED     down, for as long as the main loop takes to start it again

It is started again for ever, at once if it lived for a second, and never twice within one: FATAL,
supervisord's giving up, does not occur, and neither does UNKNOWN.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.options import NotExecutable, NotFound, decode_wait_status, signame
from supervisor.process import Subprocess
from supervisor.states import ProcessStates, SupervisorStates

from smarthost.unix import errtext

if TYPE_CHECKING:
    from smarthost.supervision.group import ServiceGroup

# As supervise: two starts are at least this far apart, in seconds.
CADENCE: Final = 1.0


class ServiceProcess(Subprocess):  # type: ignore[misc]  # supervisor is untyped
    """config: ProcessConfig; group: ServiceGroup, which owns the pipe between its processes."""

    group: ServiceGroup
    pid: int

    def __init__(self, config: Any, group: ServiceGroup) -> None:
        super().__init__(config)
        self.group = group
        self._started = 0.0  # monotonic: laststart, which supervisorctl shows, follows the clock on the wall
        self._said: str | None = None  # what the log last said was wrong: once, not every second

    @property
    def _options(self) -> Any:
        return self.config.options

    @property
    def due(self) -> float:
        """When it may be started again, on the monotonic clock."""
        return self._started + CADENCE

    def up(self) -> bool:
        return bool(self.pid)

    # Starting

    def get_execv_args(self) -> tuple[str, list[str]]:
        """What supervisorctl start asks before it starts anything."""
        run = os.fsdecode(self.config.path) + "/run"
        try:
            usable = os.access(run, os.X_OK) and not os.path.isdir(run)
            os.stat(run)
        except OSError as error:
            raise NotFound(f"unable to start {run}: {errtext.reason(error)}") from error
        if not usable:
            raise NotExecutable(f"unable to start {run}: access denied")
        return run, [run]

    def spawn(self) -> int | None:
        """Start it. It is in BACKOFF afterwards if that is impossible."""
        if self.pid or (self.group.closing and self is self.group.producer):
            return None
        self.killing = False
        self.spawnerr = None
        self.exitstatus = None
        self.system_stop = False
        self.administrative_stop = False
        self.laststart = time.time()
        self._started = time.monotonic()
        self.change_state(ProcessStates.STARTING)
        self._options.poller.wake_at(self.due)
        doing = f"unable to open the log pipe of {self.group.config.name}"
        try:
            stdin, stdout = self.group.ends_for(self)
            doing = f"unable to start {os.fsdecode(self.config.path)}/run"
            try:
                self.pid = self._options.starter.start(self.config.path, stdin, stdout)
            finally:
                for end in (stdin, stdout):
                    if end is not None:
                        os.close(end)
        except OSError as error:
            self.spawnerr = f"{doing}: {errtext.reason(error)}"
            self._complain(self.spawnerr)
            self.change_state(ProcessStates.BACKOFF)
            return None
        self._options.pidhistory[self.pid] = self
        self._options.logger.info(f"started {self._name} (pid {self.pid})")
        return self.pid

    @property
    def _name(self) -> str:
        group, name = self.group.config.name, self.config.name
        return group if group == name else f"{group}:{name}"

    def _complain(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            self._options.announce(f"{problem}; trying again every second")

    # What the main loop does in every round

    def transition(self) -> None:
        """Start it if it is wanted up and its time has come."""
        now = time.monotonic()
        if self.state == ProcessStates.STARTING:
            if now >= self.due:
                self.backoff = 0
                self._said = None
                self.change_state(ProcessStates.RUNNING)
            else:
                self._options.poller.wake_at(self.due)
        if self.group.closing or self._options.mood <= SupervisorStates.RESTARTING:
            return
        if self.state == ProcessStates.STOPPED:
            if not self.laststart and self.config.autostart:
                self.spawn()
        elif self.state in (ProcessStates.EXITED, ProcessStates.BACKOFF):
            self.start_when_due()

    def start_when_due(self) -> None:
        """Start it, or be woken when that is allowed."""
        if time.monotonic() >= self.due:
            self.spawn()
        else:
            self._options.poller.wake_at(self.due)

    def finish(self, pid: int, sts: int) -> None:
        """It has ended, with wait status `sts`."""
        status, how = decode_wait_status(sts)
        lived = time.monotonic() - self._started
        self.laststop = time.time()
        self.pid = 0
        self.exitstatus = status
        self._options.logger.info(f"{self._name} (pid {pid}) ended: {how}")
        # The main loop has looked at all states before it reaps: let it look again at once.
        self._options.poller.hurry()
        if self.killing:
            self.killing = False
            self.change_state(ProcessStates.STOPPED)
            return
        if self.state == ProcessStates.STARTING and lived >= CADENCE:
            self.change_state(ProcessStates.RUNNING)
        if self.state == ProcessStates.RUNNING:
            self.backoff = 0
            self.change_state(ProcessStates.EXITED, expected=status in self.config.exitcodes)
        else:
            self.spawnerr = f"ended within a second: {how}"
            if not self.group.closing:
                self._complain(f"{self._name} ended within a second ({how})")
            self.change_state(ProcessStates.BACKOFF)

    # Stopping

    def stop(self) -> str | None:
        """As svc -d: TERM, and CONT in case it is paused; never KILL. None, or why that failed."""
        self.administrative_stop = True
        problem = self.kill(signal.SIGTERM)
        if problem is None and self.pid:
            self.signal(signal.SIGCONT)
        return problem

    def kill(self, sig: int) -> str | None:
        """Send a signal that is meant to end it. None, or why that failed: then nothing has changed.

        Were a failure to make the state UNKNOWN, as in supervisord, the end of the process would
        find an assertion there and take supervisord along.
        """
        if self.state == ProcessStates.BACKOFF:
            self.change_state(ProcessStates.STOPPED)
            return None
        problem = self.signal(sig)
        if problem is None and self.state != ProcessStates.STOPPING:
            self.killing = True
            self.change_state(ProcessStates.STOPPING)
        return problem

    def signal(self, sig: int) -> str | None:
        """Send a signal. None, or why that failed."""
        if not self.pid:
            return f"{self._name} is not running"
        try:
            os.kill(self.pid, sig)
        except ProcessLookupError:
            pass  # it has ended and is about to be reaped
        except OSError as error:
            problem = f"unable to send {signame(sig)} to {self._name}: {errtext.reason(error)}"
            self._options.logger.warn(problem)
            return problem
        return None

    def settle(self) -> None:
        """Nothing more will be started: what waits for its second is as good as stopped."""
        if self.state == ProcessStates.BACKOFF:
            self.change_state(ProcessStates.STOPPED)
