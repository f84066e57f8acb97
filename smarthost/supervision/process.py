"""One process of a service, its run or its log's, among supervisord's processes.

supervisord's states mean here:

STOPPED    down, and not wanted up
STARTING   up, for less than a second
RUNNING    up
BACKOFF    down, wanted up: it waits for the end of the second in which it was last started, for its
           ./finish, for what it depends on, or for the lock that another program has
STOPPING   up, or in its ./finish, and wanted down
EXITED     down, for as long as it takes to start it again; or because it was to run once

It is started again for ever, at once if it lived for a second, and never twice within one: FATAL,
supervisord's giving up, does not occur, and neither does UNKNOWN.
"""

from __future__ import annotations

import os
import signal
import stat
import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.options import NotExecutable, NotFound, decode_wait_status, signame
from supervisor.states import ProcessStates, SupervisorStates

from smarthost.formats import lastchild, status
from smarthost.supervision import finisher, orders
from smarthost.supervision.attendance import Unable
from smarthost.supervision.attended import CADENCE, STEADY, Attended
from smarthost.supervision.children import Child
from smarthost.unix import errtext

if TYPE_CHECKING:
    from smarthost.supervision.group import ServiceGroup

GROWING: Final = "; trying again less and less often"

_DOWN: Final = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.BACKOFF)


class ServiceProcess(Attended):
    """Starting and stopping; the rest is Attended's."""

    def __init__(self, config: Any, group: ServiceGroup) -> None:
        super().__init__(config, group, orders.obey)
        self._finisher = finisher.Finisher(config.options, self._finished)
        self._pause = CADENCE
        self._failures = 0
        self._kill_at: float | None = None

    @property
    def due(self) -> float:
        """When it may be started again, on the monotonic clock."""
        return self._started + self._pause

    def up(self) -> bool:
        return bool(self.pid) or self._finisher.running

    def adopt(self, pid: int, held: int) -> None:
        super().adopt(pid, held)
        if self.want == status.WANT_DOWN:  # it has been told
            self.killing = True
            self.change_state(ProcessStates.STOPPING)
            self._bound_the_end()

    def adopt_finish(self, pid: int, held: int) -> None:
        self._finisher.adopt(pid, held, self.settings.finish_within())
        self._options.logger.info(f"{self.name}: its finish (pid {pid}) is taken over")

    def finish_unseen(self, pid: int) -> None:
        self._go_on(finishing=self._start_finish(None, pid))

    def _drop(self) -> None:
        self._finisher.drop()
        super()._drop()

    # Starting

    def _complain(self, problem: str) -> None:
        growing = self.attendance.held and self.settings.pause_cap() is not None
        self.bulletin.trouble(problem, GROWING if growing else STEADY)

    def get_execv_args(self) -> tuple[str, list[str]]:
        """What supervisorctl start asks before it starts anything."""
        run = self.config.directory + "/run"
        at, name = (self.attendance.home, "run") if self.attendance.held else (None, run)
        try:
            found = os.stat(name, dir_fd=at)
            usable = os.access(name, os.X_OK, dir_fd=at) and not stat.S_ISDIR(found.st_mode)
        except OSError as error:
            raise NotFound(f"unable to start {self.config.shown}/run: {errtext.reason(error)}") from error
        if not usable:
            raise NotExecutable(f"unable to start {self.config.shown}/run: access denied")
        return run, [run]

    def spawn(self) -> int | None:
        """As supervisorctl start does. It is in BACKOFF afterwards if that is impossible."""
        if not self.attendance.held:
            self.left = False
            self.look()
        self.want = status.WANT_UP
        self.tell()
        self.start_anew()
        return self.pid or None

    def start_anew(self, *, waiting: bool = True) -> None:
        """As told by somebody: what failed before does not count. `waiting`: for what it depends on."""
        self._failures = 0
        self._pause = CADENCE
        self.start(waiting=waiting)

    def start(self, *, waiting: bool = True) -> None:
        """Start it now, unless something is in the way."""
        if self.up() or not self.attendance.held or self.group.is_over(self):
            return
        self.killing = False
        self.spawnerr = None
        self.exitstatus = None
        self.system_stop = False
        self.administrative_stop = False
        if waiting and (missing := self.group.waits_for(self)):
            self.spawnerr = f"{self.name} waits for {missing}"
            self.bulletin.trouble(self.spawnerr)
            self.change_state(ProcessStates.BACKOFF)
            return
        self.laststart = time.time()
        self._started = time.monotonic()
        self.change_state(ProcessStates.STARTING)
        self._deaf = True
        self._options.poller.listen(self.attendance.control, now=False)
        self._options.poller.wake_at(self._started + CADENCE)
        try:
            self.pid = self._run()
        except Unable as unable:
            self.spawnerr = str(unable)
            self.attendance.note(lastchild.NONE, self._options.starter.boot)
            self._complain(self.spawnerr)
            self._pause = self._longer_pause()
            self.change_state(ProcessStates.BACKOFF)
            if self.want != status.WANT_UP:
                self.settle()
            return
        self._child = Child(self._options, self.pid, self._ended)
        self.paused = False
        self.bulletin.stamp()
        self.tell()
        self._options.logger.info(f"started {self.name} (pid {self.pid})")

    def _run(self) -> int:
        """Start ./run; its process id. Raises Unable."""
        doing = f"unable to open the log pipe of {self.group.config.name}"
        try:
            with self.group.places_for(self) as places:
                number = self.settings.notification()
                self.announces = number is not None
                if number is not None:
                    doing = f"unable to open the notification pipe of {self.name}"
                    ready = self._notification.prepare(self.attendance.home)
                    if number in places:
                        os.close(places[number])  # its log, say: it asked for that
                    places[number] = ready
                doing = f"unable to start {self.config.shown}/run"
                pid: int = self._options.starter.start(
                    self.attendance.home,
                    [b"./run"],
                    places,
                    record=self.attendance.record,
                    kind=lastchild.RUN,
                )
        except OSError as error:
            self._notification.stop()
            raise Unable(f"{doing}: {errtext.reason(error)}") from error
        return pid

    def _longer_pause(self) -> float:
        """After another start that failed."""
        self._failures += 1
        cap = self.settings.pause_cap()
        if cap is None:
            return CADENCE
        return max(CADENCE, min(cap, CADENCE * 2.0 ** min(self._failures - 1, 30)))

    # What the main loop does in every round

    def transition(self) -> None:
        """Start it if it is wanted up and its time has come."""
        now = time.monotonic()
        ending = self.group.closing or self._options.mood <= SupervisorStates.RESTARTING
        if not self.attendance.held:
            if self.left or ending:
                return
            if now < self._next_look:
                self._options.poller.wake_at(self._next_look)
                return
            self.look()
            # It is started in the next round, when all others that it may depend on are known.
            self._options.poller.hurry()
            return
        if self._deaf or self.state == ProcessStates.STARTING:
            self._end_first_second(now)
            if not self.attendance.held:  # it has been told to leave
                return
        if self._kill_at is not None:
            self._kill_if_late(now)
        if self._finisher.check(now):
            self._options.announce(f"{self.config.shown}/finish takes too long: it is killed")
        if not ending and self.want == status.WANT_UP and self.state in _DOWN and not self.up():
            self.start_when_due()

    def _end_first_second(self, now: float) -> None:
        if now < self._started + CADENCE:
            self._options.poller.wake_at(self._started + CADENCE)
            return
        if self.state == ProcessStates.STARTING:
            self.backoff = 0
            self.bulletin.over()
            self.change_state(ProcessStates.RUNNING)
            self._options.poller.hurry()  # others may have waited for that
        self._hear_again()

    def start_when_due(self) -> None:
        """Start it, or be woken when that is allowed. What it was told in its first second comes before."""
        if time.monotonic() < self.due:
            self._options.poller.wake_at(self.due)
            return
        if self._deaf:
            self._hear_again()
            self._options.poller.hurry()  # the next round knows whether it is still to be started
            return
        self.start()

    def _ended(self, wait_status: int | None) -> None:
        """It has ended."""
        lived = time.monotonic() - self._started
        failed = lived < CADENCE or (self.announces and not self.ready)
        pid, self.pid, self._child = self.pid, 0, None
        self._notification.stop()
        self.attendance.unpublish_ready()
        self.ready = False
        self._kill_at = None
        self.laststop = time.time()
        self.exitstatus, how = (
            decode_wait_status(wait_status) if wait_status is not None else (None, "unknown")
        )
        self.bulletin.stamp()
        # Before it is told: svc --wait=down takes what is down, and not in its ./finish, for over.
        finishing = self._start_finish(wait_status, pid)
        self.tell()
        self._options.logger.info(f"{self.name} (pid {pid}) ended: {how}")
        self._pause = self._longer_pause() if failed else CADENCE
        if not failed:
            self._failures = 0
        if not self.killing:
            self._fell(lived, how)
        self._go_on(finishing=finishing)

    def _fell(self, lived: float, how: str) -> None:
        """It has ended without having been told to: the state that says so."""
        if self.state == ProcessStates.STARTING and lived >= CADENCE:
            self.change_state(ProcessStates.RUNNING)
        if self.state == ProcessStates.RUNNING:
            self.backoff = 0
            self.change_state(ProcessStates.EXITED, expected=self.exitstatus in self.config.exitcodes)
        else:
            self.spawnerr = f"ended within a second: {how}"
            if not self.group.closing and self.want == status.WANT_UP:
                self._complain(f"{self.name} ended within a second ({how})")
            self.change_state(ProcessStates.BACKOFF)

    def _start_finish(self, wait_status: int | None, pid: int) -> bool:
        """Run ./finish if there is one. Whether it runs."""
        settings = self.settings
        if not settings.has_finish():
            return False
        name = os.path.basename(self.config.path)
        arguments = finisher.arguments(wait_status, name, pid)
        try:
            with self.group.places_for(self) as places:
                self._finisher.start(
                    self.attendance.home, self.attendance.record, places, arguments, settings.finish_within()
                )
        except OSError as error:
            self.bulletin.remark(f"unable to start {self.config.shown}/finish: {errtext.reason(error)}")
            return False
        return True

    def _go_on(self, *, finishing: bool) -> None:
        """After ./finish, or at once if there is none."""
        if not finishing:
            self._finished(0)
        elif not self.killing:
            self.change_state(ProcessStates.BACKOFF)

    def _finished(self, code: int | None) -> None:
        """All of that process is over."""
        self.attendance.note(lastchild.NONE, self._options.starter.boot)
        if code == finisher.NEVER_AGAIN and self.want == status.WANT_UP:
            self._options.announce(f"{self.name} is not started again: its finish says so")
            self.want = status.WANT_NOTHING
            self.tell()
        # The main loop has looked at all states before it reaps: let it look again at once.
        self._options.poller.hurry()
        if self.killing:
            self.killing = False
            self.change_state(ProcessStates.STOPPED)
        if self.leaving:
            self.leave_if_down()
        elif self.want != status.WANT_UP:
            self.settle()
        elif not self.group.closing and self._options.mood > SupervisorStates.RESTARTING:
            self.start_when_due()

    # Stopping

    def stop(self) -> str | None:
        """As supervisorctl stop does, and the engine's end: as svc -d. None, or why that failed."""
        self.administrative_stop = True
        return self.down()

    def end(self) -> None:
        """Stop because everything stops: if it does not, the next engine finds what was wanted before."""
        if self._kept is None:
            self._kept = self.want
        self.stop()

    def down(self) -> str | None:
        """TERM, or the signal that the service chose, and CONT in case it is paused. KILL only if it chose that too."""
        self.want = status.WANT_DOWN
        problem = None
        if self.pid:
            problem = self.kill(self.settings.down_signal())
            if problem is None:
                self.signal(signal.SIGCONT)
                self.paused = False
                self._bound_the_end()
        elif self._finisher.running:
            self.killing = True
            self.change_state(ProcessStates.STOPPING)
        else:
            self.settle()
        self.tell()
        return problem

    def _bound_the_end(self) -> None:
        """It may take as long as it said itself."""
        after = self.settings.kill_after()
        if after is not None and self._kill_at is None:
            self._kill_at = time.monotonic() + after
            self._options.poller.wake_at(self._kill_at)

    def _kill_if_late(self, now: float) -> None:
        assert self._kill_at is not None
        if now < self._kill_at:
            self._options.poller.wake_at(self._kill_at)
            return
        self._kill_at = None
        self._options.announce(f"{self.name} has not ended in time: it is killed")
        self.signal(signal.SIGKILL)

    def kill(self, sig: int) -> str | None:
        """Send a signal that is meant to end it. None, or why that failed: then nothing has changed.

        Were a failure to make the state UNKNOWN, as in supervisord, the end of the process would
        find an assertion there and take supervisord along.
        """
        problem = self.signal(sig)
        if problem is None and self.state != ProcessStates.STOPPING:
            self.killing = True
            self.change_state(ProcessStates.STOPPING)
        return problem

    def signal(self, sig: int) -> str | None:
        """Send a signal. None, or why that failed."""
        if self._child is None:
            return f"{self.name} is not running"
        try:
            self._child.signal(sig)
        except OSError as error:
            problem = f"unable to send {signame(sig)} to {self.name}: {errtext.reason(error)}"
            self._options.logger.warn(problem)
            return problem
        return None

    def go_on(self) -> None:
        """Send CONT: it is paused no longer."""
        self.paused = False
        self.tell()
        self.signal(signal.SIGCONT)

    def settle(self) -> None:
        """Nothing more will be started: what waits for its second is as good as stopped."""
        if self.state == ProcessStates.BACKOFF and not self.up():
            self.change_state(ProcessStates.STOPPED)
