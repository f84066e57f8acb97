"""multilog, tai64n and tai64nlocal on lines of 100 bytes that come through a pipe."""

from __future__ import annotations

import os
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import MILLISECONDS
from bench.figures import Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("logs, 100-byte lines", "CPU ms for 1 MB", "MB each second")

MEGABYTE = 1_000_000
SIZE = 100 * MEGABYTE
LARGE = "s16777215"
LINE = 100
STAMP = "@40000000{:08x}{:08x} "
SECOND = 0x69218E00
# How many lines have stamps of one second: a log of today's machines, and one where little happens.
BUSY = ("tai64nlocal, 10,000 lines a second", 10_000)
CALM = ("tai64nlocal, 1 line a second", 1)
BLOCK = 10_000

SEVERAL = ("+* tcpserver: deny *", "+* tcpserver: ok 1*", "+* fatal: *", "+* warning: *")

SCRIPTS = (
    ("multilog `t s16777215`", ["t", LARGE]),
    ("multilog `t -* +pattern s16777215`, a tenth selected", ["t", LARGE, "-*", "+* tcpserver: deny *"]),
    ("multilog `t`, files of the default size", ["t"]),
    ("multilog `s16777215`, no stamps", [LARGE]),
    ("multilog `t`, four + patterns, a fifth selected", ["t", "-*", *SEVERAL, LARGE]),
    ("multilog `t -pattern`, nine tenths selected", ["t", "-* tcpserver: deny *", LARGE]),
)


def cases(world: World) -> Iterator[Case]:
    for name, script in SCRIPTS:
        yield Case(SECTION.title, name, partial(multilog, world, script))
    yield Case(SECTION.title, "tai64n", partial(filtered, world, "tai64n", None))
    for name, each_second in BUSY, CALM:
        yield Case(SECTION.title, name, partial(filtered, world, "tai64nlocal", each_second))


def text(world: World, each_second: int | None) -> str:
    """A file of lines as tcpserver writes them, one in ten a denial; stamped, if so many have one second."""
    path = world.scratch / f"{each_second}.log"
    if not path.exists():
        lines = []
        for number in range(BLOCK):
            word = "deny" if number % 10 == 0 else "ok"
            stamp = ""
            if each_second:
                stamp = STAMP.format(SECOND + number // each_second, number % each_second * 97_000)
            line = f"{stamp}tcpserver: {word} {number} mail.bench.example:127.0.0.1:628 :192.0.2.7::"
            lines.append(line.ljust(LINE - 1, "5") + "\n")
        block = "".join(lines)
        path.write_text(block * (world.units(SIZE) // len(block)))
    return str(path)


def piped(world: World, argv: list[str], each_second: int | None) -> Sample:
    """The program reads the file through a pipe that cat fills. Raises Failed."""
    path = text(world, each_second)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    began = time.perf_counter()
    pid = processes.start(argv, world.environ, {0: reading})
    feeder = processes.start(["/bin/cat", path], world.environ, {1: writing})
    os.close(reading)
    os.close(writing)
    ended = processes.wait(pid, began)
    fed = processes.wait(feeder, began)
    if ended.status or fed.status:
        raise processes.Failed(f"{' '.join(argv)}: wait status {ended.status}, feeder's {fed.status}")
    megabytes = os.path.getsize(path) / MEGABYTE
    return Sample(ended.cpu / megabytes * MILLISECONDS, megabytes / ended.seconds)


def multilog(world: World, script: list[str], side: str) -> Sample | None:
    program = world.program(side, "multilog")
    if program is None:
        return None
    directory = world.scratch / "log"
    try:
        sample = piped(world, [program, *script, str(directory)], None)
        if not (directory / "current").stat().st_size and len(list(directory.glob("@*"))) == 0:
            raise processes.Failed("multilog wrote nothing")
        return sample
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def filtered(world: World, name: str, each_second: int | None, side: str) -> Sample | None:
    program = world.program(side, name)
    return None if program is None else piped(world, [program], each_second)
