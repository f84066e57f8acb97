"""bench.figures: what a number of measurements come to. Not tested: the measuring itself; no timing decides a test."""

from __future__ import annotations

import pytest

from bench.figures import ORIGINAL, OURS, Result, Sample, cost_ratio, median, middle, order, rate_ratio


def test_the_median_is_the_one_in_the_middle_whatever_the_order() -> None:
    assert median([9.0, 1.0, 2.0]) == 2.0
    assert median([7.0]) == 7.0


@pytest.mark.parametrize("values", [[], [1.0, 2.0]])
def test_an_even_number_of_rounds_has_no_median(values: list[float]) -> None:
    with pytest.raises(ValueError, match="odd"):
        median(values)


def test_each_figure_has_its_own_median() -> None:
    samples = [Sample(3, 10, 0.1), Sample(1, 30, 0.3), Sample(2, 20, 0.2)]
    assert middle(samples) == Sample(2, 20, 0.2)


def test_what_was_not_measured_stays_out() -> None:
    assert middle([]) is None
    assert middle([Sample(3)]) == Sample(3, None, None)


def test_ratios_are_ours_by_the_originals() -> None:
    result = Result("section", "name", Sample(1, 300), Sample(2, 100))
    assert cost_ratio(result) == 0.5
    assert rate_ratio(result) == 3


@pytest.mark.parametrize(
    ("ours", "original"),
    [(None, Sample(1, 1)), (Sample(1, 1), None), (Sample(1), Sample(0)), (Sample(1, 1), Sample(-1, 0))],
)
def test_without_both_sides_there_is_no_ratio(ours: Sample | None, original: Sample | None) -> None:
    result = Result("section", "name", ours, original)
    assert cost_ratio(result) is None
    assert rate_ratio(result) is None


def test_who_goes_first_changes() -> None:
    assert [order(number)[0] for number in range(4)] == [OURS, ORIGINAL, OURS, ORIGINAL]
    assert all(sorted(order(number)) == sorted((OURS, ORIGINAL)) for number in range(2))
