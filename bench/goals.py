"""What DESIGN asks for, line by line, beside what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cases import connections, logs, mail, memory, remote, rules, starts, supervision
from bench.figures import cost_ratio, rate_ratio
from bench.table import ratio, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.figures import Result

Measured = dict[tuple[str, str], "Result"]


@dataclass(frozen=True)
class Goal:
    """`figure` is what is compared with the bound; None while one side is missing."""

    work: str
    says: str
    figure: Callable[[Measured], float | None]
    bound: float
    at_least: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def _cost(section: str, name: str) -> Callable[[Measured], float | None]:
    return lambda measured: cost_ratio(measured[section, name]) if (section, name) in measured else None


def _rate(section: str, name: str) -> Callable[[Measured], float | None]:
    return lambda measured: rate_ratio(measured[section, name]) if (section, name) in measured else None


def _own(section: str, name: str) -> Callable[[Measured], float | None]:
    """Ours alone, whatever the original needs."""

    def figure(measured: Measured) -> float | None:
        found = measured.get((section, name))
        return found.ours.cost if found and found.ours else None

    return figure


def _beside_bare(name: str) -> Callable[[Measured], float | None]:
    def figure(measured: Measured) -> float | None:
        bare = _own(starts.SECTION.title, starts.BARE)(measured)
        cost = _own(starts.SECTION.title, name)(measured)
        return cost / bare if cost and bare else None

    return figure


def _goals() -> Iterable[Goal]:
    clients, qmqp, lines = connections.SECTION.title, mail.SECTION.title, logs.SECTION.title
    for name in ("denied", "denied, -v"):
        yield Goal(name, "a fifth of the original's CPU", _cost(clients, name), 0.2)
    for name in ("`/bin/true`", "`/bin/true`, -v"):
        yield Goal(f"accept, start {name}", "no more CPU than the original", _cost(clients, name), 1.0)
    for place in ("sink", "durable queue"):
        name = f"1 KB to the {place}, 10 at once"
        yield Goal(f"QMQP: {name}", "half the original's CPU", _cost(qmqp, name), 0.5)
    others = remote.SECTION.title
    name = remote.ROUTED.format(remote.CONCURRENCIES[-1])
    yield Goal(name, "no more CPU than the original", _cost(others, name), 1.0)
    rate = _rate(others, remote.NULL_CLIENT)
    yield Goal(remote.NULL_CLIENT, "more each second than nullmailer-send", rate, 1.0, at_least=True)
    for name in ("idle", "in the middle of a message"):
        yield Goal(f"memory held, {name}", "at most 3 MB", _own(memory.SECTION.title, name), 3.0)
    for name, _ in logs.SCRIPTS[:2]:
        yield Goal(name, "5 times the original's speed", _rate(lines, name), 5.0, at_least=True)
    name = logs.BUSY[0]
    yield Goal(name, "5 times the original's speed", _rate(lines, name), 5.0, at_least=True)
    name = f"{rules.COUNTS[-1]:,} rules"
    yield Goal(
        f"tcprules, {name}", "at most 5 times the original's CPU", _cost(rules.SECTION.title, name), 5.0
    )
    for name in ("`sendmail`", "`qmail-inject`", "`qmail-qmqpc`"):
        yield Goal(f"start of {name}", "1.5 times a bare interpreter", _beside_bare(name), 1.5)
    yield Goal(supervision.IDLE.title, "less than 1 % of a core", _own(supervision.IDLE.title, "CPU"), 1.0)


def table(results: Sequence[Result]) -> str:
    """Each goal that something was measured for."""
    measured = {(result.section, result.name): result for result in results}
    lines = [row(("work", "goal", "result", "reached")), row(("---", "---", "---:", "---"))]
    for goal in _goals():
        value = goal.figure(measured)
        if value is not None:
            reached = "yes" if goal.reached(value) else "**no**"
            lines.append(row((goal.work, goal.says, ratio(value), reached)))
    return "\n".join(lines) if len(lines) > 2 else ""
