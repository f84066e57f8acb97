"""A process of a service as somebody attends to it: the files that daemontools' clients see, and what they say.

Where the lock of supervise/ can be had, the process that an engine before this one has left is taken over;
after svc -x, and at the end, it is let go of.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from supervisor.process import Subprocess
from supervisor.states import ProcessStates

from smarthost.formats import status, tai64
from smarthost.supervision.attendance import Attendance, Unable
from smarthost.supervision.bulletin import Bulletin
from smarthost.supervision.children import Child
from smarthost.supervision.notification import Notification
from smarthost.supervision.settings import Settings
from smarthost.supervision.takeover import take_over
from smarthost.unix import errtext

if TYPE_CHECKING:
    from collections.abc import Callable

    from smarthost.supervision.group import ServiceGroup

# As supervise: two starts are at least this far apart, in seconds.
CADENCE: Final = 1.0
# So often one looks whether the lock that another has is free by now.
RETRY: Final = 1.0
# What a line about something in the way ends with.
STEADY: Final = "; trying again every second"


class Attended(Subprocess):  # type: ignore[misc]  # supervisor is untyped
    """config: ServiceProcessConfig; group: ServiceGroup, which owns the pipe between its processes.

    obey: carries out a letter of svc's
    want: status.WANT_UP and so on; paused: it was sent STOP; leaving: it is not to be attended to once it is down
    left: it is not; quiet: that it cannot be is not said
    announces: whether this process says when it is ready; ready: whether it has
    """

    group: ServiceGroup
    pid: int
    spawnerr: str | None
    laststart: float

    def __init__(self, config: Any, group: ServiceGroup, obey: Callable[[Any, bytes], None]) -> None:
        super().__init__(config)
        self.pipes = {"stdin": None}  # supervisorctl fg has no way into a service
        self.group = group
        self.want = status.WANT_UP
        self.paused = self.leaving = self.left = self.quiet = self.ready = self.announces = False
        self.attendance = Attendance(config.shown, lambda: group.open_home(self))
        self.bulletin = Bulletin(config.options, self.attendance)
        self._obey = obey
        self._child: Child | None = None
        self._notification = Notification(config.options.poller, self._said_ready)
        self._started = 0.0  # monotonic: laststart, which supervisorctl shows, follows the clock on the wall
        self._deaf = False
        self._next_look = 0.0
        self._kept: bytes | None = None  # what was wanted before the end of everything

    @property
    def _options(self) -> Any:
        return self.config.options

    @property
    def settings(self) -> Settings:
        return Settings(self.config.shown, self.attendance.home, self.bulletin.remark)

    @property
    def name(self) -> str:
        group, name = self.group.config.name, self.config.name
        return group if group == name else f"{group}:{name}"

    # What is done with it, in ServiceProcess

    def up(self) -> bool:
        """Or at least not yet over: its ./finish may be running."""
        raise NotImplementedError

    def settle(self) -> None:
        """Nothing more will be started: what waits for its second is as good as stopped."""
        raise NotImplementedError

    def adopt_finish(self, pid: int, held: int) -> None:
        """Take over a running ./finish: a descriptor of the process."""
        raise NotImplementedError

    def finish_unseen(self, pid: int) -> None:
        """It has ended while there was no engine."""
        raise NotImplementedError

    def _ended(self, wait_status: int | None) -> None:
        raise NotImplementedError

    # What is said

    def tell(self) -> None:
        """Publish how it is."""
        if self.attendance.held:
            self.bulletin.publish(self.pid, self.want, paused=self.paused)

    def _said_ready(self) -> None:
        self.ready = True
        self.bulletin.publish_ready(self.pid)
        self._options.logger.info(f"{self.name} (pid {self.pid}) is ready")
        self._options.poller.hurry()  # others may have waited for that

    # Attending

    def look(self) -> None:
        """Attend to the service, if nobody else does; take over what runs."""
        self._next_look = time.monotonic() + RETRY
        try:
            self.attendance.take()
            if not self.up():
                take_over(self, self._options.starter.boot)
            self.bulletin.publish(self.pid, self.want, paused=self.paused)
            self.attendance.attend()
        except Unable as unable:
            self.spawnerr = str(unable)
            if not self.quiet:
                self.bulletin.trouble(self.spawnerr, STEADY)
            if self.want == status.WANT_UP:
                self.change_state(ProcessStates.BACKOFF)
            return
        self.bulletin.over()
        self.spawnerr = None
        self.left = False
        self._options.poller.watch(self.attendance.control, self._hear)

    def adopt(self, pid: int, held: int) -> None:
        """Take over a running ./run: a descriptor of the process."""
        self.pid = pid
        self._child = Child(self._options, pid, self._ended, held)
        self.laststart = self.bulletin.since[0] - tai64.EPOCH
        self._started = time.monotonic() - CADENCE
        self.announces = self.settings.notification() is not None
        self.ready = self.announces and self.attendance.last_ready(pid)
        try:
            self.group.hold_pipe()
            if self.announces and not self.ready:
                self._notification.resume(self.attendance.home)
        except OSError as error:
            self.bulletin.remark(f"{self.name} is taken over without its pipe: {errtext.reason(error)}")
        self.change_state(ProcessStates.STARTING)
        self.change_state(ProcessStates.RUNNING)
        self._options.logger.info(f"{self.name} (pid {pid}) is taken over")

    def _hear(self) -> bool:
        """The next letter that svc has written; whether there was one. Whom it ends is waited for before the one after."""
        if not self.attendance.held or self._deaf:
            return False
        letter = self.attendance.letter()
        if letter:
            self._obey(self, letter)
        return bool(letter)

    def _hear_again(self) -> None:
        """The first second of a process is over: what was written meanwhile comes before the start of another."""
        if self._deaf:
            self._deaf = False
            self._options.poller.listen(self.attendance.control, now=True)
            while not self.up() and self._hear():
                pass

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
                self.tell()
            else:
                self.settle()
                self.attendance.forget()
            self._options.poller.unwatch(self.attendance.control)
            self._deaf = False
        self._drop()
        self.attendance.let_go()

    def _drop(self) -> None:
        """Let it run, and hear no more of it."""
        self._notification.stop()
        if self._child is not None:
            self._child.drop()
