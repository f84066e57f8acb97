from __future__ import annotations

import pytest

from smarthost.formats.lines import Lines
from tests.support.arrivals import arrivals


@pytest.mark.parametrize("stream", [b"", b"\n", b"a", b"a\n", b"a\nbc\n\nd", b"a\n\n"])
def test_lines_are_the_same_however_they_arrive(stream: bytes) -> None:
    for arrival in arrivals(stream):
        lines = Lines(arrival)
        assert list(lines) == stream.splitlines(keepends=True)
        assert list(lines.rest()) == []


def test_the_rest_comes_as_it_arrives() -> None:
    for arrival in arrivals(b"a\nbc\nd"):
        lines = Lines(arrival)
        assert next(lines) == b"a\n"
        assert b"".join(lines.rest()) == b"bc\nd"
        assert list(lines) == []


def test_blocks_are_not_cut_again() -> None:
    lines = Lines([b"a\nb", b"c", b"d"])
    next(lines)
    assert list(lines.rest()) == [b"b", b"c", b"d"]
