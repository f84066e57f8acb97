"""tcprules, by the number of rules."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.connections import many_rules
from bench.cases.load import MILLISECONDS
from bench.figures import Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("tcprules", "CPU ms", "runs each second")
COUNTS = (1_000, 100_000, 1_000_000)


def cases(world: World) -> Iterator[Case]:
    for count in COUNTS[: 2 if world.quick else None]:
        yield Case(SECTION.title, f"{count:,} rules", partial(compiled, world, count))


def compiled(world: World, count: int, side: str) -> Sample | None:
    program = world.program(side, "tcprules")
    if program is None:
        return None
    source = world.scratch / f"compile-{count}.rules"
    if not source.exists():
        source.write_text(many_rules(count))
    made = world.scratch / "compiled.cdb"
    descriptor = os.open(source, os.O_RDONLY)
    try:
        ended = processes.run([program, str(made), f"{made}.tmp"], world.environ, descriptor)
    finally:
        os.close(descriptor)
    made.unlink()
    return Sample(ended.cpu * MILLISECONDS, 1 / ended.seconds)
