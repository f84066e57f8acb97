"""From exec to exit with next to nothing to do: what each program's start costs, beside a bare interpreter."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import MILLISECONDS
from bench.figures import OURS, Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("starts", "CPU ms", "each second")
BARE = "a bare interpreter, `python -I -S -c pass`"
LAUNCHER = "a launcher without a program, `-IS`"
RUNS = 20

Program = tuple[str, list[str], bytes]

MESSAGE = b"From: a@bench.example\nTo: b@bench.example\n\nbench\n"
NOTHING = b""
NOWHERE = "/nonexistent"

# Name, arguments, input. qmail-queue finds no home and qmail-qmqpc no server: their ways are short.
QMAIL: tuple[Program, ...] = (
    ("qmail-qmqpd", [], NOTHING),
    ("qmail-queue", [], NOTHING),
    ("qmail-qmqpc", [], MESSAGE),
    ("qmail-inject", ["-n"], MESSAGE),
    ("sendmail", ["b@bench.example"], MESSAGE),
)
OTHERS: tuple[Program, ...] = (
    ("tcpserver", ["-1", "127.0.0.1"], NOTHING),
    ("softlimit", ["-o", "64", "/bin/true"], NOTHING),
    ("setuidgid", ["root", "/bin/true"], NOTHING),
    ("tai64n", [], NOTHING),
    ("tai64nlocal", [], NOTHING),
)


def cases(world: World) -> Iterator[Case]:
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    yield Case(SECTION.title, BARE, lambda side: runs(world, bare, NOTHING) if side == OURS else None)
    yield Case(SECTION.title, LAUNCHER, partial(launcher, world))
    for name, arguments, given in QMAIL:
        yield Case(SECTION.title, f"`{name}`", partial(qmail, world, name, arguments, given))
    for name, arguments, given in OTHERS:
        if name != "setuidgid" or os.geteuid() == 0:
            yield Case(SECTION.title, f"`{name}`", partial(other, world, name, arguments, given))


def runs(world: World, argv: list[str], given: bytes, environ: dict[str, str] | None = None) -> Sample:
    """One after another. Whatever they exit with: some have nothing to do but to refuse."""
    source = world.scratch / "given"
    source.write_bytes(given)

    def start_and_end() -> float:
        descriptor = os.open(source, os.O_RDONLY)
        pid = processes.start(argv, environ or world.environ, {0: descriptor})
        os.close(descriptor)
        return processes.wait(pid, 0).cpu

    start_and_end()  # from now on its files are in memory
    began, count = time.perf_counter(), world.units(RUNS)
    spent = sum(start_and_end() for _ in range(count))
    return Sample(spent / count * MILLISECONDS, count / (time.perf_counter() - began))


def launcher(world: World, side: str) -> Sample | None:
    if side != OURS:
        return None
    path = world.scratch / "launcher"
    path.write_text(f"#!{sys.executable} -IS\nraise SystemExit(0)\n")
    path.chmod(0o755)
    return runs(world, [str(path)], NOTHING)


def other(world: World, name: str, arguments: list[str], given: bytes, side: str) -> Sample | None:
    program = world.program(side, name)
    return None if program is None else runs(world, [program, *arguments], given)


def qmail(world: World, name: str, arguments: list[str], given: bytes, side: str) -> Sample | None:
    """The original's is not mounted into a home here: that would cost more than it does."""
    if side == OURS:
        program = world.program(side, name)
    else:
        found = world.peer / "bin" / name if world.peer else None
        program = str(found) if found and found.exists() else None
    if program is None:
        return None
    home = NOWHERE if name == "qmail-queue" else str(world.home[OURS])
    environ = {**world.environ, "QMAILHOME": home, "QMAILQUEUE": "/bin/true"}
    return runs(world, [program, *arguments], given, environ)
