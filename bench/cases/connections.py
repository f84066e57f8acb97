"""tcpserver: clients that are denied, and clients that get a program which does nothing."""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import loaded
from bench.figures import ORIGINAL, OURS, Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("connections", "CPU ms each", "each second")
GROWTH = Section("denied connections by size of the rules", "CPU ms each", "each second")

ALLOW = "127.:allow\n:deny\n"
DENY = ":deny\n"
CONCURRENCY = 10
DENIED = 10_000
ADMITTED = 1000
# No host uses it, and a privileged run may have its port 53.
NAMESERVER = "127.0.0.53"
RULE_COUNTS = (1_000, 10_000, 100_000, 1_000_000)


def rules(world: World, text: str) -> str:
    """The rules as a cdb, made by the original where there is one, for both sides."""
    made = world.scratch / f"rules-{zlib.crc32(text.encode())}.cdb"
    if not made.exists():
        source = world.scratch / "rules"
        source.write_text(text)
        program = world.program(ORIGINAL, "tcprules") or world.program(OURS, "tcprules")
        assert program is not None
        descriptor = os.open(source, os.O_RDONLY)
        processes.run([program, str(made), f"{made}.tmp"], world.environ, descriptor)
        os.close(descriptor)
    return str(made)


def many_rules(count: int) -> str:
    """So many different addresses, and the rule that denies everybody else."""
    lines = [f'10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}:allow,RELAYCLIENT=""\n' for n in range(count - 1)]
    return "".join(lines) + DENY


def cases(world: World) -> Iterator[Case]:
    def line(name: str, options: list[str], text: str, units: int, asked: str | None = None) -> Case:
        def measure(side: str) -> Sample | None:
            return connections(world, side, [*options, "-x", rules(world, text)], units, asked)

        return Case(SECTION.title, name, measure)

    yield line("denied", ["-HRl0"], DENY, DENIED)
    yield line("denied, -v", ["-vHRl0"], DENY, DENIED)
    yield line("`/bin/true`", ["-HRl0"], ALLOW, ADMITTED)
    yield line("`/bin/true`, -v", ["-vHRl0"], ALLOW, ADMITTED)
    yield line("`/bin/true`, -v, ident (-r)", ["-vHrl0"], ALLOW, ADMITTED)
    if os.geteuid() == 0:
        yield line("`/bin/true`, -v, name and ident (-h -r)", ["-vhrl0"], ALLOW, ADMITTED, NAMESERVER)
    for count in RULE_COUNTS[: 2 if world.quick else None]:
        yield Case(GROWTH.title, f"{count:,} rules", partial(denied_by, world, count))


def denied_by(world: World, count: int, side: str) -> Sample | None:
    path = rules(world, many_rules(count))
    return connections(world, side, ["-HRl0", "-x", path], DENIED // 2, None)


def connections(world: World, side: str, options: list[str], units: int, asked: str | None) -> Sample | None:
    server = world.program(side, "tcpserver")
    if server is None:
        return None
    environ = {**world.environ, "DNSCACHEIP": asked} if asked else world.environ
    argv = [server, "-1", "-b1024", "-c100", *options, "127.0.0.1", "0", "/bin/true"]
    return loaded(argv, environ, units=world.units(units), concurrency=CONCURRENCY, nameserver=asked)
