"""A heap of messages by time.

Not tested: the order within a second, but beside the original in tests/differential/test_qmail_send.py.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smarthost.policy.schedule import Schedule

PAIRS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 50)), max_size=60)


def drained(schedule: Schedule) -> list[tuple[int, int]]:
    return [schedule.take() for _ in range(len(schedule))]


def filled(pairs: list[tuple[int, int]]) -> Schedule:
    schedule = Schedule()
    for number, time in pairs:
        schedule.add(number, time)
    return schedule


@given(PAIRS)
def test_the_earliest_comes_first(pairs: list[tuple[int, int]]) -> None:
    schedule = filled(pairs)
    assert sorted(schedule) == sorted(pairs)
    assert schedule.next_time() == min((time for _, time in pairs), default=None)
    found = drained(schedule)
    assert [time for _, time in found] == sorted(time for _, time in pairs)
    assert sorted(found) == sorted(pairs)
    assert schedule.next_time() is None


@given(PAIRS, st.integers(0, 59))
def test_one_is_taken_out(pairs: list[tuple[int, int]], which: int) -> None:
    pairs = list({number: (number, time) for number, time in pairs}.values())
    schedule = filled(pairs)
    if which >= len(pairs):
        assert schedule.remove(2**64 - 1) is None or (2**64 - 1) in dict(pairs)
        return
    number, time = pairs[which]
    assert schedule.remove(number) == time
    assert schedule.remove(number) is None
    found = drained(schedule)
    assert sorted(found) == sorted(pair for pair in pairs if pair[0] != number)
    assert [time for _, time in found] == sorted(time for _, time in found)


def test_all_at_once() -> None:
    schedule = filled([(1, 10), (2, 5), (3, 7)])
    schedule.all_at(20)
    assert sorted(drained(schedule)) == [(1, 20), (2, 20), (3, 20)]


def test_messages_of_one_second_come_as_from_the_original() -> None:
    """Its heap puts the last message where the first was."""
    assert [number for number, _ in drained(filled([(number, 0) for number in range(6)]))] == [
        0,
        5,
        4,
        3,
        2,
        1,
    ]
