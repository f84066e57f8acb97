"""Service directories under somebody else's supervisord: what engine.py does by subclasses, from within.

supervisord's poller is replaced by ours, which wakes it at signals and deadlines. With that comes a place in
each round of the main loop, which begins after supervisord has gone into the background, and one at its end,
before a restart of its own closes descriptors. Else only what it says to supervisorctl update is changed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from supervisor.states import SupervisorStates

from smarthost.errors import Temporary
from smarthost.supervision import children, start
from smarthost.supervision.attended import RETRY, STEADY
from smarthost.supervision.bulletin import loggable
from smarthost.supervision.roster import Roster, lock, spare_services
from smarthost.supervision.wake import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from smarthost.supervision.group import ServiceGroup


class Guest:
    """Lives in one supervisord, as long as that does or until it restarts."""

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._options = supervisord.options
        self._directories: dict[bytes, Directory] = {}
        start.keep_to_ourselves()
        configured = self._options.configroot.supervisord.environment
        environ = {os.fsencode(name): os.fsencode(value) for name, value in configured.items()}
        self._starter = start.Starter({**os.environb, **environ}, null=True)
        self.poller = GuestPoller(self._options, self)
        self.poller.signalled = self._signalled
        self._diff = supervisord.diff_to_active
        supervisord.diff_to_active = self._diff_to_active
        self._options.poller.close()
        self._options.poller = self.poller
        self.poller.hurry()

    def directory(self, path: bytes) -> Directory:
        """Run the services of this directory too, from the next round on."""
        if path not in self._directories:
            options = GuestOptions(self._options, self._starter, self.poller)
            self._directories[path] = Directory(self._supervisord, options, path)
        return self._directories[path]

    def _signalled(self) -> None:
        children.reap(self._options)
        # supervisord takes one signal a round, and acts on it in the next.
        self.poller.hurry()

    def _diff_to_active(self) -> tuple[list[Any], list[Any], list[Any]]:
        """For supervisorctl update."""
        added, changed, removed = self._diff()
        return added, changed, spare_services(removed)

    def round(self) -> None:
        for directory in self._directories.values():
            if self._options.mood >= SupervisorStates.RUNNING:
                directory.round()
            else:
                directory.stop()

    def end(self) -> None:
        for directory in self._directories.values():
            directory.release()
        self._starter.close()


class GuestPoller(Poller):
    def __init__(self, options: Any, guest: Guest) -> None:
        super().__init__(options)
        self.guest = guest

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        ready = super().poll(timeout)
        self.guest.round()
        return ready

    def close(self) -> None:
        self.guest.end()
        super().close()


class GuestOptions:
    """supervisord's options, and what services need beyond: see EngineOptions."""

    def __init__(self, options: Any, starter: start.Starter, poller: Poller) -> None:
        self._options = options
        self.starter = starter
        self.poller = poller
        self.service: Callable[[bytes], ServiceGroup | None] = lambda _name: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)

    def announce(self, text: str) -> None:
        self._options.logger.warn(loggable(text))


class Directory:
    """A directory of services, as soon and as long as nobody else runs it."""

    def __init__(self, supervisord: Any, options: GuestOptions, path: bytes) -> None:
        self._options = options
        self._roster = Roster(supervisord, options, path, stops=False)
        options.service = self._roster.called
        self._lock = -1

    def rescan(self) -> None:
        self._roster.rescan()
        self._options.poller.hurry()

    def round(self) -> None:
        if self._lock < 0 and self._roster.due():
            try:
                self._lock = lock(self._roster.directory, patience=0)
            except Temporary as unable:
                self._roster.put_off(f"{unable}{STEADY}", RETRY)
        if self._lock >= 0:
            self._roster.round()

    def stop(self) -> None:
        """All services at once, each in its own order; supervisord stops one group after the other, without a bound."""
        for group in self._roster.groups():
            group.stop_all()
            group.give_up_if_late()

    def release(self) -> None:
        for group in self._roster.groups():
            group.before_remove()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def of(supervisord: Any) -> Guest:
    """The one guest of this supervisord: every HTTP server of its asks."""
    poller = supervisord.options.poller
    return poller.guest if isinstance(poller, GuestPoller) else Guest(supervisord)
