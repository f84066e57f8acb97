"""supervise/child: what was written is read, and nothing else is believed."""

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import lastchild

BOOT = b"3f0b8a52-6a5e-4b6e-9d0a-2f8d5a4f2c11"


@pytest.mark.parametrize("kind", [lastchild.RUN, lastchild.FINISH, lastchild.NONE])
def test_there_and_back(kind: bytes) -> None:
    data = lastchild.pack(lastchild.LastChild(kind, 4194304, 2**63, BOOT))
    assert len(data) == lastchild.SIZE
    assert data.endswith(b" \n")
    found = lastchild.unpack(data)
    assert (found.kind, found.pid, found.started, found.boot) == (kind, 4194304, 2**63, BOOT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"run 1 2",
        b"run 1 2 boot more",
        b"ran 1 2 boot",
        b"run -1 2 boot",
        b"run 1 x boot",
        bytes(lastchild.SIZE),
    ],
)
def test_anything_else(data: bytes) -> None:
    with pytest.raises(FormatError):
        lastchild.unpack(data)


def test_a_long_name_of_a_start_keeps_the_length() -> None:
    assert len(lastchild.pack(lastchild.LastChild(lastchild.RUN, 1, 2, b"x" * 200))) == lastchild.SIZE
