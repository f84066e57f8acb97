"""The table of hosts that did not answer. That the original makes the same changes is seen in tests/differential."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import tcpto

HOST = b"\x0a\x00\x00\x01"
NOW = 1_700_000_000


def record(address: bytes, count: int, when: int) -> bytes:
    return address + bytes((count, 0, 0, 0)) + when.to_bytes(4, "little") + bytes(4)


def change(table: bytes, made: tcpto.Change | None) -> bytes:
    assert made is not None
    at, new = made
    return table[:at] + new + table[at + len(new) :]


def test_a_host_becomes_known_and_is_passed_over() -> None:
    table = change(tcpto.EMPTY, tcpto.timed_out(tcpto.EMPTY, HOST, NOW))
    assert table[:16] == record(HOST, 1, NOW)
    assert not tcpto.is_passed_over(tcpto.find(table, HOST), NOW, 0)
    assert tcpto.timed_out(table, HOST, NOW + tcpto.APART - 1) is None
    later = NOW + tcpto.APART
    table = change(table, tcpto.timed_out(table, HOST, later))
    entry = tcpto.find(table, HOST)
    for pid, patience in ((0, 3840), (31, 5824), (32, 3840)):
        assert tcpto.is_passed_over(entry, later + patience - 1, pid)
        assert not tcpto.is_passed_over(entry, later + patience, pid)
    table = change(table, tcpto.answered(table, HOST))
    assert table[:16] == record(HOST, 0, later)
    assert not tcpto.is_passed_over(tcpto.find(table, HOST), later, 0)


def test_nobody_is_known() -> None:
    assert tcpto.find(tcpto.EMPTY, HOST) is None
    assert not tcpto.is_passed_over(None, NOW, 0)
    assert tcpto.answered(tcpto.EMPTY, HOST) is None
    assert tcpto.timed_out(b"", HOST, NOW) is None
    assert tcpto.timed_out(bytes(15), HOST, NOW) is None


def test_it_counts_to_ten() -> None:
    for count, after in ((9, 10), (10, 10)):
        table = record(HOST, count, 0)
        assert change(table, tcpto.timed_out(table, HOST, NOW)) == record(HOST, after, NOW)


def test_who_makes_room() -> None:
    """Each time-out that counts makes a record 1024 seconds younger."""
    table = record(b"aaaa", 1, NOW) + record(b"bbbb", 3, NOW - 2000) + record(b"cccc", 1, NOW + 50)
    assert tcpto.timed_out(table, HOST, NOW) == (0, record(HOST, 1, NOW))
    free = table + record(b"dddd", 0, NOW)
    assert tcpto.timed_out(free, HOST, NOW) == (48, record(HOST, 1, NOW))


@given(table=st.binary(max_size=1100), now=st.integers(0, 2**32 - 1))
def test_any_table(table: bytes, now: int) -> None:
    assert len(tcpto.entries(table)) == min(len(table), 1024) // 16
    for made in (tcpto.timed_out(table, HOST, now), tcpto.answered(table, HOST)):
        if made is not None:
            assert len(change(table, made)) == len(table)


@pytest.mark.parametrize("count", [128, 255])
def test_a_count_that_cannot_be_is_none(count: int) -> None:
    [entry] = tcpto.entries(record(HOST, count, NOW))
    assert entry.count == 0
