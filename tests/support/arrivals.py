"""One stream of bytes, as the network may deliver it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def arrivals(stream: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and in two pieces cut anywhere."""
    yield [stream]
    yield [stream[at : at + 1] for at in range(len(stream))]
    yield from ([stream[:cut], stream[cut:]] for cut in range(1, len(stream)))
