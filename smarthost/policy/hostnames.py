"""Which host does an address mean? What qmail-inject adds to addresses, and what it takes off them."""

from __future__ import annotations

from smarthost.formats import token822 as t

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PLUS: Final = b"+"


class Hostnames:
    """What to add: `host` to a box without host, `plus` to a name that ends with +, `domain` to one
    without dots, but for those in `whole`. Raises token822.Unreadable for a name that cannot be one.
    """

    __slots__ = ("domain", "host", "plus", "whole")

    def __init__(self, host: bytes, domain: bytes, plus: bytes, *, whole: tuple[bytes, ...] = ()) -> None:
        self.whole = whole
        self.domain = t.tokens(b"." + domain)
        self.host = t.tokens(b"@" + host)
        self.plus = t.tokens(b"." + plus)

    def complete(self, address: list[t.Token]) -> list[t.Token]:
        """The address with a full host name, and without source route. <> and <box@[]> stay as they are."""
        if address[-2:] == [t.SINGLE[t.AT], (t.LITERAL, b"")]:
            return address
        address = _without_leftovers(_without_route(address))
        if not address:
            return address
        if t.SINGLE[t.AT] not in address:
            address = address + self.host
        kind, text = address[-1]
        if kind == t.ATOM and text.endswith(_PLUS):
            address = [*address[:-1], (t.ATOM, text[:-1]), *self.plus]
        if _is_full(address) or (kind == t.ATOM and text in self.whole and address[-2] == t.SINGLE[t.AT]):
            return address
        return address + self.domain


def _without_route(address: list[t.Token]) -> list[t.Token]:
    """RFC 822's @host,@host:box@host without what the colon ends; a route without colon is all there is."""
    if not address or address[0][0] != t.AT:
        return address
    return address[address.index(t.SINGLE[t.COLON]) + 1 :] if t.SINGLE[t.COLON] in address else []


def _without_leftovers(address: list[t.Token]) -> list[t.Token]:
    """Without one dot at the end, then one @."""
    for leftover in (t.DOT, t.AT):
        if address and address[-1][0] == leftover:
            address = address[:-1]
    return address


def _is_full(address: list[t.Token]) -> bool:
    """Whether what follows the last @ has a dot, or is a literal."""
    kinds = [kind for kind, _ in address]
    host = kinds[len(kinds) - kinds[::-1].index(t.AT) :]
    return t.DOT in host or t.LITERAL in host
