"""svscan with its services: how soon one that was killed is there again, and what all of them cost when nothing happens."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import MILLISECONDS
from bench.figures import Case, Sample, median
from bench.table import Section
from smarthost.formats import status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.world import World

RESTART = Section("restart of a killed service", "ms")
IDLE = Section("supervision of 200 idle services with loggers", "% of a core")
MEMORY = Section("memory of that supervision", "MB (PSS)")

FEW = 5
MANY = 200
KILLS = 11
# A service that is killed in its first second is not started again before that is over; and the last start
# must not be a part of what idleness costs.
SETTLING = 2.5
WATCHED = 10.0
ONCE = 1
THRICE = 3
TICK = os.sysconf("SC_CLK_TCK")


def cases(world: World) -> Iterator[Case]:
    for count in (FEW, MANY):
        name = f"one of {count}" if count == FEW else f"one of {count}, each with a logger"
        yield Case(RESTART.title, name, partial(restart, world, count), THRICE)
    yield Case(IDLE.title, "CPU", partial(idle, world), ONCE)
    yield Case(MEMORY.title, "all processes but the services' own", partial(memory, world), ONCE)


class Services:
    """svscan's process, and the directories."""

    def __init__(self, pid: int, homes: list[Path]) -> None:
        self.pid = pid
        self.homes = homes

    def supervisors(self) -> list[int]:
        """svscan, and whatever else of it is no service."""
        return [pid for pid in processes.descendants(self.pid) if name_of(pid) not in ("sleep", "cat", "sh")]


def name_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as comm:
            return comm.read().strip()
    except OSError:
        return "sh"


def pid_of(home: Path) -> int:
    """Of the service; 0 while there is none."""
    try:
        return status.unpack((home / "supervise/status").read_bytes()).pid
    except (OSError, ValueError):
        return 0


def command(home: Path, letters: bytes) -> None:
    try:
        control = os.open(home / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    os.write(control, letters)
    os.close(control)


@contextmanager
def scanned(world: World, side: str, count: int) -> Iterator[Services | None]:
    """All up, and quiet. None without a program."""
    program = world.program(side, "svscan")
    supervise = world.program(side, "supervise")
    if program is None or supervise is None:
        yield None
        return
    root = world.scratch / f"service-{side}-{count}-{time.monotonic_ns()}"
    homes = []
    for number in range(count):
        home = root / f"s{number}"
        for place, words in ((home, "sleep 100000"), (home / "log", "cat")):
            if place == home or count > FEW:
                place.mkdir(parents=True)
                (place / "run").write_text(f"#!/bin/sh\nexec {words}\n")
                (place / "run").chmod(0o755)
                homes.append(place)
    # The original finds its supervise along PATH.
    path = f"{os.path.dirname(supervise)}:{world.environ['PATH']}"
    pid = processes.start([program, str(root)], {**world.environ, "PATH": path})
    try:
        deadline = time.monotonic() + processes.PATIENCE
        while not all(map(pid_of, homes)):
            if time.monotonic() > deadline:
                raise processes.Failed(f"{program}: not all services are up")
            time.sleep(processes.LOOK_AGAIN)
        time.sleep(SETTLING)
        yield Services(pid, homes)
    finally:
        os.kill(pid, signal.SIGTERM)
        for home in homes:
            command(home, b"dxk")
        processes.wait_for_all()


def restart(world: World, count: int, side: str) -> Sample | None:
    """From the kill to a new process in the status."""
    with scanned(world, side, count) as services:
        if services is None:
            return None
        took = []
        step = 1 if count == FEW else 2  # every other one is a logger
        for home in services.homes[: KILLS * step : step]:
            before = pid_of(home)
            began = time.perf_counter()
            os.kill(before, signal.SIGKILL)
            while pid_of(home) in (0, before):
                if time.perf_counter() - began > processes.PATIENCE:
                    raise processes.Failed("a service is not started again")
            took.append(time.perf_counter() - began)
        return Sample(median(took) * MILLISECONDS)


def spent(pids: list[int]) -> float:
    """Their CPU so far, in seconds."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def idle(world: World, side: str) -> Sample | None:
    with scanned(world, side, MANY) as services:
        if services is None:
            return None
        pids = services.supervisors()
        before = spent(pids)
        time.sleep(WATCHED)
        return Sample((spent(pids) - before) / WATCHED * 100)


def memory(world: World, side: str) -> Sample | None:
    with scanned(world, side, MANY) as services:
        if services is None:
            return None
        return Sample(sum(processes.own_memory(pid) for pid in services.supervisors()))
