"""Lines for the log, whatever a name in them holds."""

from __future__ import annotations

import os

import pytest

from smarthost.supervision.bulletin import loggable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"/service/plain one", "/service/plain one"),
        (b"two\nlines\0", "two%0Alines%00"),
        (b"\xff\xc3", "%FF%C3"),
        ("\u00fcber \u2028".encode(), "\u00fcber %E2%80%A8"),
        (b"", ""),
    ],
)
def test_one_line_that_can_be_encoded(text: bytes, shown: str) -> None:
    assert loggable(os.fsdecode(text)) == shown
    loggable(os.fsdecode(text)).encode("utf-8")
