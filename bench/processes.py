"""Processes whose every microsecond is counted, children of children included.

This process makes itself the one that orphans fall to. So whatever a server started, and whatever
outlived it, is waited for here, and `getrusage` has it all.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 60.0
LOOK_AGAIN = 0.05
DEVNULL = "/dev/null"
MEBIBYTE_IN_KB = 1024


class Failed(Exception):
    """What was to be measured did not work, so that there is nothing to report but that."""


def adopt_orphans() -> None:
    """Once, before anything is measured. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def start(
    argv: Sequence[str],
    environ: Mapping[str, str],
    places: Mapping[int, int] | None = None,
    *,
    output: str = DEVNULL,
) -> int:
    """Start it in a process group of its own, with nothing on 0 to 2 but what `places` says. Its pid."""
    given = places or {}
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, place, output if place else DEVNULL, os.O_RDWR, 0)
        for place in (0, 1, 2)
        if place not in given
    ]
    actions += [(os.POSIX_SPAWN_DUP2, ours, place) for place, ours in given.items()]
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(environ),
        file_actions=actions,
        setpgroup=0,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


@dataclass(frozen=True)
class Ended:
    """How a process that was run to its end did, its waited-for children included."""

    status: int
    cpu: float
    seconds: float
    output: bytes = b""


def run(argv: Sequence[str], environ: Mapping[str, str], stdin: int | None = None) -> Ended:
    """Run to the end. Raises Failed if it does not exit 0."""
    began = time.perf_counter()
    pid = start(argv, environ, {} if stdin is None else {0: stdin})
    ended = wait(pid, began)
    if ended.status:
        raise Failed(f"{' '.join(argv)}: wait status {ended.status}")
    return ended


def wait(pid: int, began: float) -> Ended:
    _, status, usage = os.wait4(pid, 0)
    return Ended(status, cpu(usage), time.perf_counter() - began)


def output_of(argv: Sequence[str], environ: Mapping[str, str]) -> Ended:
    """Run to the end and keep what it wrote on 1. Raises Failed if it does not exit 0."""
    began = time.perf_counter()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = start(argv, environ, {1: writing, 2: 2})
    os.close(writing)
    with open(reading, "rb") as stream:
        text = stream.read()
    ended = wait(pid, began)
    if ended.status:
        raise Failed(f"{' '.join(argv)}: wait status {ended.status}")
    return Ended(0, ended.cpu, ended.seconds, text)


@dataclass
class Lifetime:
    """A server while it runs, and what it and all its children used once it has ended."""

    pid: int
    port: int
    cpu: float = 0.0


@contextmanager
def serving(argv: Sequence[str], environ: Mapping[str, str]) -> Iterator[Lifetime]:
    """A UCSPI server that prints its port (-1). What is waited for meanwhile has to be taken off by `less`."""
    before = cpu(resource.getrusage(resource.RUSAGE_CHILDREN))
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = start(argv, environ, {1: writing})
    os.close(writing)
    try:
        with open(reading, "rb") as stream:
            line = stream.readline()
        if not line.strip().isdigit():
            raise Failed(f"{' '.join(argv)}: printed no port")
        server = Lifetime(pid, int(line))
        yield server
        os.kill(pid, signal.SIGTERM)
        wait_for_all()
        server.cpu = cpu(resource.getrusage(resource.RUSAGE_CHILDREN)) - before
    finally:
        end_group(pid)


def wait_for_all() -> None:
    """Until nobody is left. Raises Failed if somebody stays too long."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            if time.monotonic() > deadline:
                raise Failed("processes of a server that was stopped do not end")
            time.sleep(LOOK_AGAIN / 10)


def end_group(group: int) -> None:
    """Whoever is left of it after an accident."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_for_all()


def descendants(root: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _kilobytes(pid: int, file: str, field: bytes) -> int:
    try:
        with open(f"/proc/{pid}/{file}", "rb") as lines:
            for line in lines:
                if line.startswith(field):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def proportional_memory(root: int) -> float:
    """PSS of the process and all below it, in MB: a page that n share counts 1/n for each."""
    return sum(own_memory(pid) for pid in descendants(root))


def own_memory(pid: int) -> float:
    """PSS of one process, in MB."""
    return _kilobytes(pid, "smaps_rollup", b"Pss:") / MEBIBYTE_IN_KB


def peak_memory(root: int) -> float:
    """The largest resident set that any process below this one has had, in MB."""
    return (
        max(_kilobytes(pid, "status", b"VmHWM:") for pid in descendants(root)[1:] or [root]) / MEBIBYTE_IN_KB
    )


def settled(root: int, at_least: int) -> None:
    """Wait until so many processes are there and their memory changes no more. Raises Failed."""
    deadline = time.monotonic() + PATIENCE
    before: tuple[int, float] | None = None
    while time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN * 4)
        now = len(descendants(root)), proportional_memory(root)
        if now == before and now[0] >= at_least:
            return
        before = now
    raise Failed(f"waited in vain for {at_least} processes; there are {before}")
