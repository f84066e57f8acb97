"""supervise/ready: of one process, and of no other."""

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import readiness


def test_of_the_process_that_said_so() -> None:
    data = readiness.pack(2**62 + 10, 999_999_999, 4194304)
    assert len(data) == readiness.SIZE
    assert readiness.since(data, 4194304) == 2**62 + 10
    assert readiness.since(data, 4194303) is None


@pytest.mark.parametrize("size", [0, 15])
def test_too_short(size: int) -> None:
    with pytest.raises(FormatError):
        readiness.since(bytes(size), 0)
