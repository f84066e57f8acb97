"""ISO 8601 stamps; the moments are from RFC 3339, section 5.8, and GNU date."""

from __future__ import annotations

import pytest

from smarthost.formats import isotime


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (482196050_520000999, b"1985-04-12T23:20:50.520000Z"),
        (0, b"1970-01-01T00:00:00.000000Z"),
        (-1, b"1969-12-31T23:59:59.999999Z"),
        (951782400_000001000, b"2000-02-29T00:00:00.000001Z"),
        (1795763918_865439092, b"2026-11-27T07:18:38.865439Z"),
        (253402300799_999999999, b"9999-12-31T23:59:59.999999Z"),
    ],
)
def test_stamp(nanoseconds: int, text: bytes) -> None:
    assert isotime.stamp(nanoseconds) == text


def test_no_calendar_holds_it() -> None:
    with pytest.raises((OverflowError, ValueError, OSError)):
        isotime.stamp(10**30)
