"""Results as Markdown, and how they get into a page that also has prose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import cost_ratio, rate_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.figures import Result

BEGIN = "<!-- measured: begin; `make bench` writes what follows -->"
END = "<!-- measured: end -->"


@dataclass(frozen=True)
class Section:
    """A table's heading, what its costs are, and what its rates are, if it has any."""

    title: str
    cost: str
    rate: str = ""


def number(value: float | None) -> str:
    """Three digits that count; nothing for nothing."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def share(value: float) -> str:
    return f"{value * 100:.0f} %"


def _costs(result: Result) -> list[str]:
    sides = (result.ours, result.original)
    return [*(number(side.cost if side else None) for side in sides), ratio(cost_ratio(result))]


def _rates(result: Result) -> list[str]:
    sides = (result.ours, result.original)
    return [*(number(side.rate if side else None) for side in sides), ratio(rate_ratio(result))]


def _clients(result: Result) -> str:
    sides = (result.ours, result.original)
    return ", ".join(share(side.client) for side in sides if side and side.client is not None)


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def section_table(section: Section, results: Sequence[Result]) -> str:
    """One section. Costs: less is better; rates: more is. The ratio is ours by the original's."""
    heads = [section.title, f"{section.cost}: ours", "original", "ratio"]
    with_rate = bool(section.rate)
    with_client = any(side and side.client is not None for r in results for side in (r.ours, r.original))
    if with_rate:
        heads += [f"{section.rate}: ours", "original", "ratio"]
    if with_client:
        heads.append("client's share of a core: ours, original")
    lines = [row(heads), row(["---"] + ["---:"] * (len(heads) - 1))]
    for result in results:
        cells = [result.name, *_costs(result)]
        if with_rate:
            cells += _rates(result)
        if with_client:
            cells.append(_clients(result))
        lines.append(row(cells))
    return "\n".join(lines)


def tables(sections: Iterable[Section], results: Sequence[Result]) -> str:
    """Every section that something was measured for."""
    found = []
    for section in sections:
        of_it = [result for result in results if result.section == section.title]
        if of_it:
            found.append(section_table(section, of_it))
    return "\n\n".join(found)


def put_into(page: str, measured: str) -> str:
    """The page with the measured part replaced. Raises ValueError if it has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page lacks the marks around its measured part")
    return f"{before}{BEGIN}\n\n{measured.strip()}\n\n{END}{after}"
