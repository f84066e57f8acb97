"""What does control/smtproutes say? A route a line: `domain:relay`, or `domain:relay:port`.

A relay is a name, or an address, which may stand in brackets; an IPv6 address must. Without a relay the
domain's mail goes where DNS says. Large and small letters are the same in domains; of two lines for one
domain the last counts. A line without a colon counts for nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

PORT: Final = 25

_DIGITS: Final = b"0123456789"

Route = tuple[bytes, int]


def find(lines: Iterable[bytes], host: bytes) -> Route | None:
    """The relay and the port for a host's mail; None if there is no route, or one without a relay.

    The host itself is looked for first, then each end of its name that begins with a dot, then nothing.
    """
    relays = {}
    for line in lines:
        domain, colon, relay = line.partition(b":")
        if colon:
            relays[domain.lower()] = relay
    name = host.lower()
    starts = [0, *(at for at, byte in enumerate(name) if byte == 0x2E and at), len(name)]
    for at in starts:
        found = relays.get(name[at:])
        if found is not None:
            return _relay(found) if found else None
    return None


def _relay(text: bytes) -> Route:
    inside, bracket, rest = text.partition(b"]") if text.startswith(b"[") else (b"", b"", text)
    name, colon, digits = rest.partition(b":")
    digits = digits[: len(digits) - len(digits.lstrip(_DIGITS))]
    return inside + bracket + name, int(digits[:20] or b"0") & 0xFFFF if colon else PORT
