"""Since when is there a line in the file? Asked by the process that wrote it, and by one that found it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.begun import NOTE, SECOND, Begun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1795763918_865439092


@pytest.fixture
def current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.chdir(tmp_path)
    descriptor = os.open("current", os.O_WRONLY | os.O_CREAT)
    os.utime(descriptor, ns=(0, NOW - 3 * SECOND))
    yield descriptor
    os.close(descriptor)


def test_it_is_over_at_its_age_and_not_before(current: int) -> None:
    begun = Begun(10, lambda: NOW)
    begun.begin(current)
    assert begun.due == NOW + 10 * SECOND
    assert not begun.is_over(NOW + 10 * SECOND - 1)
    assert begun.is_over(NOW + 10 * SECOND)


def test_a_clock_that_is_set_back_makes_no_file_older(current: int) -> None:
    begun = Begun(10, lambda: NOW)
    begun.begin(current)
    assert not begun.is_over(NOW - 10**6 * SECOND)
    assert begun.due == NOW - 10**6 * SECOND + 10 * SECOND


def test_who_takes_over_goes_on_counting(current: int) -> None:
    Begun(10, lambda: NOW).begin(current)
    successor = Begun(20, lambda: NOW + SECOND)
    successor.take_over(current)
    assert successor.due == NOW + 20 * SECOND


@pytest.mark.parametrize("note", [None, b"", b"1 2 3\n", b"x y\n", b"1 5\n", b"\xff" * 200])
def test_without_a_note_about_this_file_the_last_line_counts(current: int, note: bytes | None) -> None:
    if note is not None:
        with open(NOTE, "wb") as file:
            file.write(note)
    begun = Begun(10, lambda: NOW)
    begun.take_over(current)
    assert begun.due == NOW + 7 * SECOND


def test_nothing_began_in_the_future(current: int) -> None:
    begun = Begun(10, lambda: NOW - 60 * SECOND)
    begun.take_over(current)
    assert begun.due == NOW - 50 * SECOND


def test_a_note_that_cannot_be_written_keeps_no_line_waiting(current: int) -> None:
    os.mkdir(NOTE)
    begun = Begun(10, lambda: NOW)
    begun.begin(current)
    assert begun.due == NOW + 10 * SECOND
    begun.take_over(current)
    assert begun.due == NOW + 7 * SECOND
