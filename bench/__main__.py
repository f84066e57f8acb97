"""Measure ours beside the originals: make bench

    python -m bench [--quick] [-k WORDS] [--rounds ODD]

--quick does a quarter of the work, once; -k takes the lines whose title holds the words; --rounds says how
often each side is measured. Only a whole run, of every line and without --quick, writes docs/PERFORMANCE.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench import goals, machine, processes
from bench.cases import connections, deliveries, logs, mail, memory, remote, rules, starts, supervision
from bench.figures import ORIGINAL, OURS, Result, middle, order
from bench.table import put_into, row, section_table, tables
from bench.world import ROOT, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bench.figures import Case, Sample

PAGE = ROOT / "docs" / "PERFORMANCE.md"
SUBJECTS = (connections, mail, deliveries, remote, memory, logs, rules, starts, supervision)
SECTIONS = (
    connections.SECTION,
    mail.SECTION,
    deliveries.SECTION,
    remote.SECTION,
    memory.SECTION,
    logs.SECTION,
    rules.SECTION,
    starts.SECTION,
    supervision.RESTART,
    supervision.IDLE,
    supervision.MEMORY,
    connections.GROWTH,
    memory.PEAK,
)
ROUNDS = 5


def measured(case: Case, rounds: int) -> Result:
    """Both sides alternately."""
    samples: dict[str, list[Sample]] = {OURS: [], ORIGINAL: []}
    for number in range(rounds):
        for side in order(number):
            sample = case.measure(side)
            if sample is not None:
                samples[side].append(sample)
    return Result(case.section, case.name, middle(samples[OURS]), middle(samples[ORIGINAL]))


def odd(text: str) -> int:
    number = int(text)
    if number % 2 == 0:
        raise argparse.ArgumentTypeError("must be odd")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure ours beside the originals.")
    parser.add_argument("--quick", action="store_true", help="a quarter of the work, once")
    parser.add_argument("-k", metavar="WORDS", default="", help="only lines whose title holds these words")
    parser.add_argument("--rounds", type=odd, default=ROUNDS, help="how often each side is measured")
    given = parser.parse_args()
    processes.adopt_orphans()
    facts = machine.description()
    began = time.monotonic()
    results = []
    with tempfile.TemporaryDirectory(prefix="smarthost-bench-", dir=os.environ.get("TMPDIR")) as scratch:
        world = World(Path(scratch), quick=given.quick)
        for subject in SUBJECTS:
            for case in subject.cases(world):
                if given.k not in case.title:
                    continue
                rounds = 1 if given.quick else min(case.rounds or given.rounds, given.rounds)
                try:
                    result = measured(case, rounds)
                except processes.Failed as failure:
                    print(f"{case.title}: {failure}", file=sys.stderr)
                    continue
                results.append(result)
                section = next(one for one in SECTIONS if one.title == case.section)
                print(section_table(section, [result]).splitlines()[-1], flush=True)
    facts.append(("load average after", machine.load_average()))
    facts.append(("took", f"{time.monotonic() - began:.0f} s, {given.rounds} rounds"))
    told = "\n".join([row(("", "")), row(("---", "---")), *map(row, facts)])
    text = "\n\n".join(part for part in (told, goals.table(results), tables(SECTIONS, results)) if part)
    print(f"\n{text}")
    if not (given.quick or given.k):
        PAGE.write_text(put_into(PAGE.read_text(), text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
