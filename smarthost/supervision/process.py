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
import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.options import NotExecutable, NotFound, decode_wait_status, signame
from supervisor.process import Subprocess
from supervisor.states import ProcessStates, SupervisorStates

from smarthost.formats import lastchild, status, tai64
from smarthost.supervision import finisher, orders
from smarthost.supervision.attendance import Attendance, Unable
from smarthost.supervision.children import Child
from smarthost.supervision.notification import Notification
from smarthost.supervision.settings import Settings
from smarthost.unix import errtext, procs

if TYPE_CHECKING:
    from smarthost.supervision.group import ServiceGroup

# As supervise: two starts are at least this far apart, in seconds.
CADENCE: Final = 1.0
# So often one looks whether the lock that another has is free by now.
RETRY: Final = 1.0

_DOWN: Final = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.BACKOFF)


class ServiceProcess(Subprocess):  # type: ignore[misc]  # supervisor is untyped
    """config: ServiceProcessConfig; group: ServiceGroup, which owns the pipe between its processes.

    want: status.WANT_UP and so on; paused: it was sent STOP; leaving: it is not to be attended to once it is down
    left: it is not; quiet: that it cannot be is not said
    """

    group: ServiceGroup
    pid: int
    spawnerr: str | None

    def __init__(self, config: Any, group: ServiceGroup) -> None:
        super().__init__(config)
        self.group = group
        options = config.options
        self.want = status.WANT_UP
        self.paused = False
        self.leaving = False
        self.left = False
        self.quiet = False
        self.ready = False
        self.announces = False  # whether this process says when it is ready
        self.attendance = Attendance(config.shown, lambda: group.open_home(self))
        self._child: Child | None = None
        self._finisher = finisher.Finisher(options, self._finished)
        self._notification = Notification(options.poller, self._said_ready)
        self._since = (0, 0)
        self._started = 0.0  # monotonic: laststart, which supervisorctl shows, follows the clock on the wall
        self._pause = CADENCE
        self._failures = 0
        self._deaf = False
        self._kill_at: float | None = None
        self._next_look = 0.0
        self._kept: bytes | None = None  # what was wanted before the end of everything
        self._said: str | None = None  # what the log last said was wrong: once, not every second
        self._remarks: set[str] = set()

    @property
    def _options(self) -> Any:
        return self.config.options

    @property
    def settings(self) -> Settings:
        return Settings(self.config.shown, self.attendance.home, self._remark)

    @property
    def due(self) -> float:
        """When it may be started again, on the monotonic clock."""
        return self._started + self._pause

    def up(self) -> bool:
        """Or at least not yet over: its ./finish may be running."""
        return bool(self.pid) or self._finisher.running

    @property
    def name(self) -> str:
        group, name = self.group.config.name, self.config.name
        return group if group == name else f"{group}:{name}"

    # What is said

    def _complain(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            growing = self.attendance.held and self.settings.pause_cap() is not None
            self._options.announce(
                f"{problem}; trying again {'less and less often' if growing else 'every second'}"
            )

    def _remark(self, text: str) -> None:
        """Once in this process's life."""
        if text not in self._remarks:
            self._remarks.add(text)
            self._options.announce(text)

    def _stamp(self, moment: float | None = None) -> None:
        nanoseconds = time.time_ns() if moment is None else int(moment * 10**9)
        self._since = (tai64.EPOCH + nanoseconds // 10**9, nanoseconds % 10**9)

    def tell(self) -> None:
        """Publish how it is."""
        if self.attendance.held:
            self._publish()

    def _publish(self) -> None:
        paused = self.paused and bool(self.pid)
        state = status.Status(*self._since, self.pid, paused=paused, want=self.want)
        if problem := self.attendance.publish(state):
            self._remark(problem)

    def _said_ready(self) -> None:
        self.ready = True
        now = time.time_ns()
        label = (tai64.EPOCH + now // 10**9, now % 10**9)
        if problem := self.attendance.publish_ready(*label, self.pid):
            self._remark(problem)
        self._options.logger.info(f"{self.name} (pid {self.pid}) is ready")
        self._options.poller.hurry()  # others may have waited for that

    # Attending

    def look(self) -> None:
        """Attend to the service, if nobody else does; take over what runs."""
        self._next_look = time.monotonic() + RETRY
        try:
            self.attendance.take()
            self._take_over()
            self._publish()
            self.attendance.attend()
        except Unable as unable:
            self.spawnerr = str(unable)
            if str(unable) != self._said and not self.quiet:
                self._said = str(unable)
                self._options.announce(f"{unable}; trying again every second")
            if self.want == status.WANT_UP:
                self.change_state(ProcessStates.BACKOFF)
            return
        self._said = self.spawnerr = None
        self.left = False
        self._options.poller.watch(self.attendance.control, self._hear)

    def _take_over(self) -> None:
        """Be in the state that the last engine was in, if that did not end in order."""
        if self._child is not None or self._finisher.running:
            return
        last = self.attendance.last_child(self._options.starter.boot)
        before = self.attendance.last_status()
        self._stamp()
        if last is None:
            self.want = status.WANT_UP if self.attendance.normally_up() else status.WANT_DOWN
            self.attendance.unpublish_ready()
            if problem := self.attendance.note(lastchild.NONE, self._options.starter.boot):
                self._remark(problem)
            return
        if before is not None:
            self.want = before.want
            if before.pid == (last.pid if last.kind == lastchild.RUN else 0):
                self._since = (before.since, before.nanoseconds)
        held = procs.take_hold(last.pid, last.started) if last.kind != lastchild.NONE else None
        if held is not None and last.kind == lastchild.RUN:
            self.paused = before is not None and before.paused
            self._adopt(last.pid, held)
        elif held is not None:
            self._finisher.adopt(last.pid, held, self.settings.finish_within())
            self._options.logger.info(f"{self.name}: its finish (pid {last.pid}) is taken over")
        else:
            self.attendance.unpublish_ready()
            if last.kind == lastchild.RUN:
                self._finish(None, last.pid)

    def _adopt(self, pid: int, held: int) -> None:
        self.pid = pid
        self._child = Child(self._options, pid, self._ended, held)
        self.laststart = time.time()
        self._started = time.monotonic() - CADENCE
        self.announces = self.settings.notification() is not None
        self.ready = self.announces and self.attendance.last_ready(pid)
        try:
            self.group.hold_pipe()
            if self.announces and not self.ready:
                self._notification.resume(self.attendance.home)
        except OSError as error:
            self._remark(f"{self.name} is taken over without its pipe: {errtext.reason(error)}")
        self.change_state(ProcessStates.STARTING)
        self.change_state(ProcessStates.RUNNING)
        self._options.logger.info(f"{self.name} (pid {pid}) is taken over")

    def _hear(self) -> None:
        """Svc has written."""
        while self.attendance.held and not self._deaf and (letter := self.attendance.letter()):
            orders.obey(self, letter)

    def leave_if_down(self) -> None:
        """After svc -x."""
        if self.leaving and not self.up():
            self.leaving = False
            self.left = True
            self._options.logger.info(f"{self.name} is no longer supervised")
            self.release()
            self._options.poller.hurry()

    def release(self) -> None:
        """Attend to it no longer. What runs runs on, and can be taken over."""
        if self.attendance.held:
            if self.up():
                self.want = self._kept or self.want
                self._publish()
            else:
                self.settle()
                self.attendance.forget()
            self._options.poller.unwatch(self.attendance.control)
            self._deaf = False
        self._notification.stop()
        self._finisher.drop()
        if self._child is not None:
            self._child.drop()
        self.attendance.let_go()

    # Starting

    def get_execv_args(self) -> tuple[str, list[str]]:
        """What supervisorctl start asks before it starts anything."""
        run = self.config.directory + "/run"
        try:
            usable = os.access(run, os.X_OK) and not os.path.isdir(run)
            os.stat(run)
        except OSError as error:
            raise NotFound(f"unable to start {run}: {errtext.reason(error)}") from error
        if not usable:
            raise NotExecutable(f"unable to start {run}: access denied")
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
            if self.spawnerr != self._said:
                self._said = self.spawnerr
                self._options.announce(self.spawnerr)
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
            self._complain(self.spawnerr)
            self._pause = self._longer_pause()
            self.change_state(ProcessStates.BACKOFF)
            if self.want != status.WANT_UP:
                self.settle()
            return
        self._child = Child(self._options, self.pid, self._ended)
        self.paused = False
        self._stamp()
        self.tell()
        self._options.logger.info(f"started {self.name} (pid {self.pid})")

    def _run(self) -> int:
        """Start ./run; its process id. Raises Unable."""
        doing = f"unable to open the log pipe of {self.group.config.name}"
        places: dict[int, int] = {}
        try:
            places = self.group.places_for(self)
            number = self.settings.notification()
            self.announces = number is not None
            if number is not None:
                doing = f"unable to open the notification pipe of {self.name}"
                places[number] = self._notification.prepare(self.attendance.home)
            doing = f"unable to start {self.config.shown}/run"
            pid: int = self._options.starter.start(
                self.attendance.home, [b"./run"], places, record=self.attendance.record, kind=lastchild.RUN
            )
        except OSError as error:
            self._notification.stop()
            raise Unable(f"{doing}: {errtext.reason(error)}") from error
        finally:
            for end in places.values():
                os.close(end)
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
        if self._deaf:
            self._deaf = False
            self._options.poller.listen(self.attendance.control, now=True)
        if self.state == ProcessStates.STARTING:
            self.backoff = 0
            self._said = None
            self.change_state(ProcessStates.RUNNING)
            self._options.poller.hurry()  # others may have waited for that

    def start_when_due(self) -> None:
        """Start it, or be woken when that is allowed."""
        if time.monotonic() >= self.due:
            self.start()
        else:
            self._options.poller.wake_at(self.due)

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
        self._stamp()
        self.tell()
        self._options.logger.info(f"{self.name} (pid {pid}) ended: {how}")
        self._pause = self._longer_pause() if failed else CADENCE
        if not failed:
            self._failures = 0
        if not self.killing:
            self._fell(lived, how)
        self._finish(wait_status, pid)

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

    def _finish(self, wait_status: int | None, pid: int) -> None:
        """Run ./finish if there is one, else go on at once."""
        settings = self.settings
        if not settings.has_finish():
            self._finished(0)
            return
        places: dict[int, int] = {}
        try:
            places = self.group.places_for(self)
            name = os.path.basename(self.config.path)
            arguments = finisher.arguments(wait_status, name, pid)
            self._finisher.start(
                self.attendance.home, self.attendance.record, places, arguments, settings.finish_within()
            )
        except OSError as error:
            self._remark(f"unable to start {self.config.shown}/finish: {errtext.reason(error)}")
            self._finished(0)
            return
        finally:
            for end in places.values():
                os.close(end)
        if not self.killing:
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
            settings = self.settings
            problem = self.kill(settings.down_signal())
            if problem is None:
                self.signal(signal.SIGCONT)
                self.paused = False
                after = settings.kill_after()
                if after is not None and self._kill_at is None:
                    self._kill_at = time.monotonic() + after
                    self._options.poller.wake_at(self._kill_at)
        elif self._finisher.running:
            self.killing = True
            self.change_state(ProcessStates.STOPPING)
        else:
            self.settle()
        self.tell()
        return problem

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

    def settle(self) -> None:
        """Nothing more will be started: what waits for its second is as good as stopped."""
        if self.state == ProcessStates.BACKOFF and not self.up():
            self.change_state(ProcessStates.STOPPED)
