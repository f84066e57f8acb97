"""The services of one directory, as groups of a supervisord: which there are, which are new, which are gone."""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from supervisor import events

from smarthost.errors import Temporary
from smarthost.supervision.group import ServiceGroup, ServiceGroupConfig
from smarthost.supervision.scan import Identity, Unclear, called, scan
from smarthost.unix import errtext

if TYPE_CHECKING:
    from collections.abc import Container

    from smarthost.supervision.scan import Service

# As svscan, in seconds.
SCAN_INTERVAL: Final = 5.0
# A service is gone when this many scans in turn have not found it: replacing a link takes a moment.
SCANS_TO_BE_GONE: Final = 2
# A start that was under way when the last engine was killed has its locks for some milliseconds more.
PATIENCE: Final = 0.5


class Roster:
    """supervisord: who has the groups; stops: whether a service is stopped once it is no longer in the directory."""

    def __init__(self, supervisord: Any, options: Any, directory: bytes, *, stops: bool) -> None:
        self.directory = directory
        self._supervisord = supervisord
        self._options = options
        self._stops = stops
        self._next_scan = 0.0
        self._services: dict[Identity, ServiceGroup] = {}
        self._missed: dict[Identity, int] = {}
        self._unclear: dict[bytes, str] = {}  # so that each is said once

    def called(self, name: bytes) -> ServiceGroup | None:
        return next((group for group in self._services.values() if group.config.service.name == name), None)

    def groups(self) -> list[ServiceGroup]:
        return list(self._services.values())

    def rescan(self) -> None:
        """Let the next round scan, whenever the last one did."""
        self._next_scan = 0.0

    def due(self) -> bool:
        return time.monotonic() >= self._next_scan

    def put_off(self, problem: str, pause: float) -> None:
        """Let nothing be scanned for so long: what is in the way of all of it."""
        self._next_scan = time.monotonic() + pause
        self._say_once({self.directory: problem})
        self._options.poller.wake_at(self._next_scan)

    def round(self) -> None:
        """Once in each round of supervisord's main loop."""
        for identity, group in list(self._services.items()):
            if self._supervisord.process_groups.get(group.config.name) is not group:
                self._forget(
                    identity
                )  # supervisorctl remove: if it is still there, the next scan brings it back
            elif group.closing:
                self._drop(identity, group)
        if self.due():
            self._next_scan = time.monotonic() + SCAN_INTERVAL
            self.scan()
        self._options.poller.wake_at(self._next_scan)

    def scan(self) -> None:
        seen: dict[Identity, Service] = {}
        unclear: dict[bytes, str] = {}
        try:
            found = list(scan(self.directory))
        except OSError as error:
            self._say_once({self.directory: f"unable to read directory: {errtext.reason(error)}"})
            return
        for service in found:
            if isinstance(service, Unclear):
                unclear[service.name] = service.problem
                continue
            group = self._services.get(service.identity)
            if service.identity not in seen or (group and group.config.service.name == service.name):
                seen[service.identity] = service
        self._rename(seen)
        for service in seen.values():
            if service.identity not in self._services and (problem := self._add(service)):
                unclear[service.name] = problem
        self._say_once(unclear)
        for identity, group in list(self._services.items()):
            if identity in seen:
                self._missed[identity] = 0
                group.look_again()
            elif group.config.service.name not in unclear:
                self._missed[identity] = self._missed.get(identity, 0) + 1
                self._miss(identity, group)

    def _rename(self, seen: dict[Identity, Service]) -> None:
        """Call services as their directories are called by now. Those that have no name any more give theirs away."""
        groups = self._supervisord.process_groups
        moved: list[tuple[ServiceGroup, Service]] = []
        wanted: set[str] = set()
        for identity, service in seen.items():
            group = self._services.get(identity)
            if group is None or group.config.service.name != service.name:
                wanted.add(called(service.name))
                if group is not None:
                    moved.append((group, service))
        nameless = [
            group
            for identity, group in self._services.items()
            if identity not in seen and group.config.name in wanted and not self._stops
        ]
        for group in (*nameless, *(group for group, _ in moved)):
            del groups[group.config.name]
        for group, service in moved:
            self._call(group, called(service.name), groups, service)
        for group in nameless:
            self._call(group, group.config.name, {*groups, *wanted}, replace(group.config.service, name=b""))

    def _call(self, group: ServiceGroup, name: str, taken: Container[str], service: Service) -> None:
        """By that name; or, if that is taken, by one that no directory can have."""
        before = group.config.name
        free = name
        for number in itertools.count(2):
            if free not in taken:
                break
            free = f"{name}%{number}"
        group.call(free, service)
        self._supervisord.process_groups[group.config.name] = group
        events.notify(events.ProcessGroupRemovedEvent(before))
        events.notify(events.ProcessGroupAddedEvent(group.config.name))
        self._options.logger.info(f"{before} is called {group.config.name} now")

    def _add(self, service: Service) -> str:
        """Empty, or why it cannot be run."""
        config = ServiceGroupConfig(self._options, service)
        groups = self._supervisord.process_groups
        if self._supervisord.add_process_group(config):
            self._services[service.identity] = groups[config.name]
            self._options.poller.hurry()
        elif all(group is not groups[config.name] for group in self._services.values()):
            return f"unable to run {config.name}: something else that supervisord runs is called so"
        # Else another directory is still going down under that name: the next scan is soon.
        return ""

    def _miss(self, identity: Identity, group: ServiceGroup) -> None:
        """A scan has not found it."""
        if not group.attended():
            self._drop(identity, group)
        elif self._missed[identity] == SCANS_TO_BE_GONE and not group.closing:
            if self._stops or group.producer.attendance.is_deleted():
                self._options.announce(f"{group.config.name} is no longer in the directory: stopping it")
                group.stop_all()
            else:
                self._options.announce(
                    f"{group.config.name} is no longer in the directory: it goes on until svc -x"
                )

    def _drop(self, identity: Identity, group: ServiceGroup) -> None:
        group.stop_all()
        if self._supervisord.remove_process_group(group.config.name):
            self._forget(identity)

    def _forget(self, identity: Identity) -> None:
        del self._services[identity]
        self._missed.pop(identity, None)

    def _say_once(self, problems: dict[bytes, str]) -> None:
        """What keeps names from being services: a line for each that was not so the last time."""
        for name, problem in problems.items():
            if self._unclear.get(name) != problem:
                self._options.announce(problem)
        self._unclear = problems


def spare_services(configs: list[Any]) -> list[Any]:
    """Those that are no services: supervisorctl update removes every group that is not in the configuration."""
    return [config for config in configs if not isinstance(config, ServiceGroupConfig)]


def lock(directory: bytes, patience: float = PATIENCE) -> int:
    """Be the only engine of this directory, for as long as the descriptor is open."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Temporary(f"unable to read {os.fsdecode(directory)}: {errtext.reason(error)}") from error
    deadline = time.monotonic() + patience
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
