"""When a message is tried again.

Not tested: nothing known.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.policy.retry import Doubling, Quadratic

BIRTH = 1_000_000


def tries(schedule: Quadratic | Doubling, count: int) -> list[int]:
    """Seconds after birth, where each try comes when it is due."""
    now, found = BIRTH, []
    for _ in range(count):
        now = schedule.after(BIRTH, now)
        found.append(now - BIRTH)
    return found


def test_qmails_schedule() -> None:
    assert tries(Quadratic(10), 5) == [100, 400, 900, 1600, 2500]
    assert tries(Quadratic(20), 5) == [400, 1600, 3600, 6400, 10000]


def test_a_message_from_the_future() -> None:
    assert Quadratic(10).after(BIRTH, BIRTH - 500) == BIRTH + 100
    assert Doubling(60, 86400).after(BIRTH, BIRTH - 500) == BIRTH + 60


def test_a_late_try() -> None:
    """The age counts, not the tries: what a stopped host missed is not made up for."""
    assert Quadratic(10).after(BIRTH, BIRTH + 10_000) == BIRTH + 110**2


def test_nullmailers_schedule() -> None:
    assert tries(Doubling(60, 86400), 4) == [60, 180, 420, 900]
    assert tries(Doubling(60, 300), 6) == [60, 180, 420, 720, 1020, 1320]


@pytest.mark.parametrize(("pause", "longest"), [(300, 60), (60, 60)])
def test_no_pause_is_longer_than_the_longest(pause: int, longest: int) -> None:
    assert tries(Doubling(pause, longest), 3) == [60, 120, 180]


def test_zero_is_no_pause_to_work_with() -> None:
    assert tries(Doubling(0, 86400), 2) == [60, 180]
    assert tries(Doubling(0, 0), 2) == [1, 2]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-(10**4), 10**7))
def test_the_next_try_is_always_later(pause: int, longest: int, age: int) -> None:
    for schedule in (Doubling(pause, longest), Quadratic(10), Quadratic(20)):
        assert schedule.after(BIRTH, BIRTH + age) > BIRTH + age
