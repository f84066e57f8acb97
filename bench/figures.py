"""What is measured, and what a number of measurements come to. No clock and no process in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = "ours"
ORIGINAL = "original"


@dataclass(frozen=True)
class Sample:
    """One measurement of one side.

    cost    in the unit of its section: milliseconds of CPU for one connection, megabytes, ...
    rate    how many a second by the clock, where that says something
    client  the share of one core that the load client took meanwhile, where there is one
    """

    cost: float
    rate: float | None = None
    client: float | None = None


@dataclass(frozen=True)
class Case:
    """One line of the table. `measure(side)` answers None for a side that has no program for it."""

    section: str
    name: str
    measure: Callable[[str], Sample | None]
    rounds: int = 0  # 0: as many as the run has

    @property
    def title(self) -> str:
        return f"{self.section}: {self.name}"


@dataclass(frozen=True)
class Result:
    """The medians of a line."""

    section: str
    name: str
    ours: Sample | None
    original: Sample | None


def median(values: Sequence[float]) -> float:
    """The one in the middle. Their number is odd, so that it is one that was measured."""
    if len(values) % 2 == 0:
        raise ValueError("the number of rounds must be odd")
    return sorted(values)[len(values) // 2]


def middle(samples: Sequence[Sample]) -> Sample | None:
    """Each figure's median. None if nothing was measured."""
    if not samples:
        return None
    rates = [sample.rate for sample in samples if sample.rate is not None]
    clients = [sample.client for sample in samples if sample.client is not None]
    return Sample(
        median([sample.cost for sample in samples]),
        median(rates) if rates else None,
        median(clients) if clients else None,
    )


def cost_ratio(result: Result) -> float | None:
    """Ours by the original's; None without both."""
    if result.ours is None or result.original is None or result.original.cost <= 0:
        return None
    return result.ours.cost / result.original.cost


def rate_ratio(result: Result) -> float | None:
    """Ours by the original's; None without both."""
    if result.ours is None or result.original is None:
        return None
    if result.ours.rate is None or not result.original.rate:
        return None
    return result.ours.rate / result.original.rate


def order(round_number: int) -> tuple[str, str]:
    """Who goes first changes from round to round, so that neither always finds the other's warmth."""
    return (OURS, ORIGINAL) if round_number % 2 == 0 else (ORIGINAL, OURS)
