"""What a held connection costs in memory, and whether more of them, or larger messages, cost more each."""

from __future__ import annotations

import resource
import socket
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.mail import service
from bench.client import request
from bench.figures import ORIGINAL, Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("memory of one held connection", "MB (PSS)")
PEAK = Section("memory by size of the message", "peak MB of the largest process")

HELD = 40
HELD_COUNTS = (1, 10, 100, 1000)
MESSAGE = 100_000
SIZES = (("1 KB", 1_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000), ("100 MB", 100_000_000))
DESCRIPTORS = 4096
ONCE = 1


def cases(world: World) -> Iterator[Case]:
    half = request(MESSAGE)[: MESSAGE // 2]
    yield Case(SECTION.title, "idle", partial(held, world, HELD, b""), ONCE)
    yield Case(SECTION.title, "in the middle of a message", partial(held, world, HELD, half), ONCE)
    for count in HELD_COUNTS[: 2 if world.quick else None]:
        yield Case(SECTION.title, f"idle, {count:,} held", partial(held, world, count, b""), ONCE)
    for name, size in SIZES[: 2 if world.quick else None]:
        yield Case(PEAK.title, name, partial(peak, world, size), ONCE)


def held(world: World, count: int, sent: bytes, side: str) -> Sample | None:
    """The original's qmail-queue is there too once the message has begun; ours needs no process of its own."""
    found = service(world, side, None)
    if found is None:
        return None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    each = 2 if sent and side == ORIGINAL else 1
    connections: list[socket.socket] = []
    with processes.serving(*found) as server:
        processes.settled(server.pid, 1)
        before = processes.proportional_memory(server.pid)
        for _ in range(count):
            connections.append(socket.create_connection(("127.0.0.1", server.port)))
            connections[-1].sendall(sent)
        processes.settled(server.pid, 1 + each * count)
        after = processes.proportional_memory(server.pid)
        for connection in connections:
            connection.close()
    world.empty_messages(side)
    return Sample((after - before) / count)


def peak(world: World, size: int, side: str) -> Sample | None:
    """Everything but the last byte is sent, and read, and then looked at."""
    found = service(world, side, None)
    if found is None:
        return None
    with (
        processes.serving(*found) as server,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        connection.sendall(memoryview(request(size))[:-1])
        processes.settled(server.pid, 3 if side == ORIGINAL else 2)
        most = processes.peak_memory(server.pid)
        connection.sendall(b",")
        while connection.recv(1000):
            pass
    world.empty_messages(side)
    return Sample(most)
