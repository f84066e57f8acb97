"""QMQP: the whole service, tcpserver and qmail-qmqpd and the queue program, one message a connection."""

from __future__ import annotations

import os
import resource
import time
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.connections import ALLOW, rules
from bench.cases.load import MILLISECONDS, loaded
from bench.figures import Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("QMQP messages", "CPU ms each", "each second")

SIZES = (("1 KB", 1000, 600), ("1 MB", 1_000_000, 60))
CONCURRENCIES = (1, 10, 40)
SINK_RUNS = 200
NO_ROUNDS = 3


def service(world: World, side: str, queue: str | None) -> tuple[list[str], dict[str, str]] | None:
    """The words and the environment of the side's whole service; `queue` None for its own qmail-queue."""
    server = world.program(side, "tcpserver")
    daemon = world.qmail_program(side, "qmail-qmqpd")
    if server is None or daemon is None:
        return None
    environ = world.home_environ(side)
    if queue is not None:
        environ = {**environ, "QMAILQUEUE": queue}
    elif world.qmail_program(side, "qmail-queue") is None:
        return None
    options = ["-1", "-b1024", "-c2000", "-vHRl0", "-x", rules(world, ALLOW)]
    return world.in_home(side, [server, *options, "127.0.0.1", "0", daemon]), environ


def cases(world: World) -> Iterator[Case]:
    sink = world.sink()
    queues = [("durable queue", None)] if sink is None else [("sink", sink), ("durable queue", None)]
    if sink is not None:
        yield Case(SECTION.title, "the sink alone, started and fed 1 KB", partial(sink_alone, world, sink))
    for place, queue in queues:
        for named, size, units in SIZES:
            for concurrency in CONCURRENCIES:
                name = f"{named} to the {place}, {concurrency} at once"
                measure = partial(messages, world, queue, (size, units, concurrency))
                yield Case(SECTION.title, name, measure, NO_ROUNDS)


def messages(world: World, queue: str | None, amount: tuple[int, int, int], side: str) -> Sample | None:
    size, units, concurrency = amount
    found = service(world, side, queue)
    if found is None:
        return None
    argv, environ = found
    try:
        # Fewer would drown in what it takes to warm so many up, which is measured apart and taken off.
        units = max(world.units(units), 5 * concurrency)
        return loaded(argv, environ, units=units, concurrency=concurrency, size=size)
    finally:
        world.empty_messages(side)


def sink_alone(world: World, sink: str, side: str) -> Sample | None:
    """What no qmail-qmqpd can get below while it starts this program for each message."""
    if side != "ours":
        return None
    before, began = processes.cpu(resource.getrusage(resource.RUSAGE_CHILDREN)), time.perf_counter()
    runs = world.units(SINK_RUNS)
    for _ in range(runs):
        ends = [os.pipe2(os.O_CLOEXEC) for _ in range(2)]
        pid = processes.start([sink], world.environ, {0: ends[0][0], 1: ends[1][0]})
        for (reading, writing), text in zip(ends, (b"x" * 999 + b"\n", b"Fa\0Tb\0\0"), strict=True):
            os.close(reading)
            os.write(writing, text)
            os.close(writing)
        if processes.wait(pid, began).status:
            raise processes.Failed("the sink does not work")
    spent = processes.cpu(resource.getrusage(resource.RUSAGE_CHILDREN)) - before
    return Sample(spent / runs * MILLISECONDS, runs / (time.perf_counter() - began))
