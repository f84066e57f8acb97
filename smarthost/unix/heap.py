"""How memory is asked for: once, by a program that works through large blocks."""

from __future__ import annotations

# More than a few blocks take, and less than the C library would map at all times.
_KEPT = 8 * 1024 * 1024


def keep() -> None:
    """Keep what is freed for the next block, instead of giving it back and faulting it in again.

    The GNU C library takes the size of the largest mapping that was freed for what a program needs again
    (mallopt(3), M_MMAP_THRESHOLD). The bytes are never touched, so they cost nothing; elsewhere nothing happens.
    """
    bytes(_KEPT)
