"""What qmail-send is told. That the original says the same is seen in tests/differential."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.policy import remotereport as r


@pytest.mark.parametrize(
    ("status", "output", "text"),
    [
        (0, b"r\0Kdone\0", b"Kdone"),
        (0, b"hno\0Kdone\0", b"Dno"),
        (0, b"snot now\0Zlater\0", b"Znot nowlater"),
        (0, b"snot now\0Dgiving up\0", b"Znot nowgiving up"),
        (0, b"hno\0Dgiving up\0", b"Dnogiving up"),
        (0, b"r\0", b"D"),
        (0, b"Kdone", b"D"),
        (0, b"Zlater\0", b"Zlater"),
        (0, b"\0Kyes\0", b"KKyes"),
        (0, b"r\0xx\0", b"D"),
        (0, b"", r.SILENT),
        (9, b"r\0Kdone\0", r.CRASHED),
        (111 << 8, b"r\0Kdone\0", r.NOT_RUN_NOW),
        (100 << 8, b"r\0Kdone\0", r.NOT_RUN),
        (1 << 8, b"r\0Kdone\0", r.NOT_RUN_NOW),
    ],
)
def test_summaries(status: int, output: bytes, text: bytes) -> None:
    assert r.summary(status, output) == text


@given(st.binary(min_size=1, max_size=30))
def test_any_output(output: bytes) -> None:
    text = r.summary(0, output)
    assert text[:1] in (b"K", b"Z", b"D")
    assert b"\0" not in text


def test_output() -> None:
    assert r.Outcome(b"Kyes", [b"r", b"hno"]).output() == b"r\0hno\0Kyes\0"
    assert r.NothingToTry(r.SILENT).report == r.SILENT
    assert r.no_such_host(b"a b\xff\n") == b"DSorry, I couldn't find any host named a?b??. (#5.1.2)\n"
