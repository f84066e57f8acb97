"""Names and records of the queue's files.

Not tested: nothing known.
"""

from __future__ import annotations

import pytest

from smarthost.formats import queuefiles
from smarthost.formats.queuefiles import Places, Records
from tests.support.arrivals import arrivals


def test_every_file_has_its_place() -> None:
    places = Places(23)
    assert places.mess(457) == b"mess/20/457"
    assert places.in_mess(457) == b"20/457"
    assert places.info(457) == b"info/20/457"
    assert places.recipients(queuefiles.LOCAL, 457) == b"local/20/457"
    assert places.recipients(queuefiles.REMOTE, 457) == b"remote/20/457"
    assert (places.todo(457), places.intd(457), places.bounce(457)) == (
        b"todo/457",
        b"intd/457",
        b"bounce/457",
    )
    assert places.foop(457) == b"foop/457"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (b"457", 457),
        (b"0", 0),
        (b"007", 7),
        (b"", None),
        (b".", None),
        (b"12x", None),
        (b"-1", None),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", None),
        (b"1" * 200, None),
    ],
)
def test_a_name_is_a_number_or_none(name: bytes, number: int | None) -> None:
    assert queuefiles.number(name) == number


@pytest.mark.parametrize(("text", "number"), [(b"12", 12), (b"12x3", 12), (b"", 0), (b"x", 0), (b"-5", 0)])
def test_a_leading_number(text: bytes, number: int) -> None:
    assert queuefiles.leading_number(text) == number


def test_records_come_as_they_end() -> None:
    stream = b"u0\0p7\0Fme@here\0Tyou@there\0\0Thalf"
    for pieces in arrivals(stream):
        records = Records()
        found = [record for piece in pieces for record in records.feed(piece)]
        assert found == [b"u0", b"p7", b"Fme@here", b"Tyou@there", b""]
