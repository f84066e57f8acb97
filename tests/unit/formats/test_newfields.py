from __future__ import annotations

import pytest

from smarthost.formats import newfields

# Sun Nov 1 10:09:04 2026 UTC, by date(1).
MOMENT = 1793527744


def test_date() -> None:
    assert newfields.date(MOMENT) == b"Date: 1 Nov 2026 10:09:04 -0000\n"


def test_message_id() -> None:
    assert newfields.message_id(MOMENT, 42, b"host") == b"Message-ID: <20261101100904.42.qmail@host>\n"


@pytest.mark.parametrize(
    ("offset", "written"),
    [
        (0, b"1 Nov 2026 10:09:04 +0000"),
        (3600, b"1 Nov 2026 11:09:04 +0100"),
        (-12600, b"1 Nov 2026 06:39:04 -0330"),
        (50400, b"2 Nov 2026 00:09:04 +1400"),
        (29, b"1 Nov 2026 10:09:33 +0000"),
        (30, b"1 Nov 2026 10:09:34 +0001"),
    ],
)
def test_local_date(offset: int, written: bytes) -> None:
    assert newfields.local_date(MOMENT, offset) == b"Date: " + written + b"\n"
