"""Reports of spawners, whatever they send. qmail-send(8): a spawner is not trusted to keep to the protocol.

Not tested: nothing known.
"""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats.spawnreport import REPORT_LIMIT, Reports

Told = tuple[int, int, bytes]


def told(pieces: list[bytes]) -> list[Told]:
    reports = Reports()
    return [(each.slot, each.letter, each.text) for piece in pieces for each in reports.feed(piece)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_bytes_give_the_same_reports_however_they_arrive(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert told(pieces) == told([stream])


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 255), st.binary(max_size=50))))
def test_what_was_said_is_told(reports: list[Told]) -> None:
    said = [(slot, letter, text.replace(b"\0", b"")) for slot, letter, text in reports]
    assert told([b"".join(bytes((slot, letter)) + text + b"\0" for slot, letter, text in said)]) == said


@given(st.integers(REPORT_LIMIT - 5, REPORT_LIMIT + 5))
def test_no_report_is_longer_than_the_limit(size: int) -> None:
    [(slot, letter, text)] = told([b"\7K" + b"x" * size + b"\0"])
    assert (slot, letter) == (7, ord("K"))
    assert len(text) == min(size, REPORT_LIMIT - 2)
