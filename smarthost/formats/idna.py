"""How is the name of a host written where only ASCII is understood? As RFC 5891 has it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Python's codec is of 2003 and would replace these (straße by strasse, which may be somebody else's).
_DEVIATIONS: Final = "\u00df\u03c2\u200c\u200d"


def ascii_host(host: bytes) -> bytes:
    """The name in ASCII; as it is where it is that already, or is no UTF-8, or can be no name."""
    if host.isascii():
        return host
    try:
        return b".".join([_label(label) for label in host.decode().split(".")])
    except UnicodeError:
        return host


def ascii_address(address: bytes) -> bytes:
    box, at, host = address.rpartition(b"@")
    return box + at + ascii_host(host)


def _label(label: str) -> bytes:
    if any(each in label for each in _DEVIATIONS):
        return b"xn--" + label.lower().encode("punycode")
    return label.encode("idna")
