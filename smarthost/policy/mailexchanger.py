"""To which addresses does a host's mail go, and in which order?"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Place:
    """An address where mail may be handed over, and the name of the host that it belongs to."""

    __slots__ = ("address", "name", "preference")

    def __init__(self, address: bytes, name: bytes, preference: int = 0) -> None:
        self.address = address
        self.name = name
        self.preference = preference


def in_order(exchangers: Iterable[tuple[int, bytes]], draw: Callable[[], int]) -> list[tuple[int, bytes]]:
    """The most preferred first; those that are preferred alike as the lot falls."""
    lots = [(preference, draw(), name) for preference, name in exchangers]
    return [(preference, name) for preference, _, name in sorted(lots)]


def before_us(places: Sequence[Place], is_ours: Callable[[bytes], bool]) -> list[Place]:
    """Those that are preferred to this host itself: to hand mail to one behind it would send it round."""
    ours = [place.preference for place in places if is_ours(place.address)]
    return [place for place in places if not ours or place.preference < min(ours)]


def literal(host: bytes) -> bytes | None:
    """The address that stands for a host: 1.2.3.4, [1.2.3.4], [::1] or [IPv6:::1]; None for a name.

    A number is read as qmail reads it: in decimal, however many zeros lead, and modulo 256.
    """
    bracketed = host.startswith(b"[") and host.endswith(b"]")
    text = host[1:-1] if bracketed else host
    if bracketed and b":" in text:
        return text[5:] if text[:5].lower() == b"ipv6:" else text
    parts = text.split(b".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    return b".".join([b"%d" % (int(part[-18:]) % 256) for part in parts])
