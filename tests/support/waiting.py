"""Waiting for something to happen, bounded by time and without guessing how long it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 30.0


def eventually(look: Callable[[], T], what: str = "", *, within: float = PATIENCE) -> T:
    """What `look` answers as soon as that is true."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within} seconds in vain for {what or look}"
        time.sleep(0.005)
