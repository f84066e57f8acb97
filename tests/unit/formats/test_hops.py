"""Received and Delivered-To fields, however the header arrives."""

from __future__ import annotations

import pytest

from smarthost.formats import hops
from tests.support.arrivals import arrivals

CASES = [
    (b"", 0),
    (b"Subject: x\n\nReceived: from the body\n", 0),
    (b"Received: a\nReceived: b\n\n", 2),
    (b"RECEIVED: a\ndelivered-TO: b\nReceived : no\nReceivedx: no\n\n", 2),
    (b"Subject: x\n Received: folded\n\n", 0),
    (b"Received: a\r\n\r\nReceived: body\r\n", 1),
    (b"Received: no end of line", 0),
    (b"X: " + b"y" * 50 + b"\nDelivered-To: z\n\n", 1),
    (b"\nReceived: all is body\n", 0),
]


@pytest.mark.parametrize(("message", "expected"), CASES)
def test_hops(message: bytes, expected: int) -> None:
    for pieces in arrivals(message):
        counter = hops.Counter()
        for piece in pieces:
            counter.feed(memoryview(piece))
        assert counter.hops == expected, pieces


def test_a_long_line_is_not_kept() -> None:
    counter = hops.Counter()
    for _ in range(100):
        counter.feed(b"x" * 1000)
    assert len(counter._begun) < 20
