"""bench.table and bench.goals: results as Markdown, and whether a goal is reached."""

from __future__ import annotations

import pytest

from bench import goals
from bench.cases import connections, logs, starts
from bench.figures import Result, Sample
from bench.table import BEGIN, END, Section, number, put_into, section_table, tables

SECTION = Section("work", "CPU ms", "each second")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0123, "0.012"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (-0.5, "-0.500"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_line_without_an_original_has_empty_columns() -> None:
    result = Result("work", "alone", Sample(1.5, 20), None)
    assert section_table(SECTION, [result]).splitlines() == [
        "| work | CPU ms: ours | original | ratio | each second: ours | original | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| alone | 1.50 |  |  | 20.0 |  |  |",
    ]


def test_a_section_without_rates_has_no_columns_for_them_and_a_client_gets_one() -> None:
    result = Result("memory", "idle", Sample(4, client=0.5), Sample(2, client=0.25))
    assert section_table(Section("memory", "MB"), [result]).splitlines()[0::2] == [
        "| memory | MB: ours | original | ratio | client's share of a core: ours, original |",
        "| idle | 4.00 | 2.00 | 2.00 | 50 %, 25 % |",
    ]


def test_sections_without_results_are_left_out() -> None:
    result = Result("work", "alone", Sample(1), None)
    assert tables([Section("other", "MB"), SECTION], [result]) == section_table(SECTION, [result])


def test_only_the_measured_part_of_a_page_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_into(page, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert put_into(put_into(page, "x"), "new") == put_into(page, "new")


@pytest.mark.parametrize("page", ["", BEGIN, f"{END} {BEGIN}"])
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        put_into(page, "new")


def test_a_goal_is_compared_with_what_was_measured() -> None:
    clients, lines = connections.SECTION.title, logs.SECTION.title
    results = [
        Result(clients, "denied", Sample(0.02), Sample(0.2)),
        Result(clients, "`/bin/true`", Sample(3), Sample(2)),
        Result(lines, logs.BUSY[0], Sample(1, 500), Sample(9, 50)),
        Result(starts.SECTION.title, starts.BARE, Sample(10), None),
        Result(starts.SECTION.title, "`sendmail`", Sample(14), None),
    ]
    assert goals.table(results).splitlines()[2:] == [
        "| denied | a fifth of the original's CPU | 0.10 | yes |",
        "| accept, start `/bin/true` | no more CPU than the original | 1.50 | **no** |",
        f"| {logs.BUSY[0]} | 5 times the original's speed | 10.00 | yes |",
        "| start of `sendmail` | 1.5 times a bare interpreter | 1.40 | yes |",
    ]


def test_a_goal_without_both_sides_is_not_mentioned() -> None:
    assert goals.table([Result(connections.SECTION.title, "denied", Sample(1), None)]) == ""
