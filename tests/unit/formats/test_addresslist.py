from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import addresslist
from smarthost.formats import token822 as t


def mark(address: list[t.Token]) -> list[t.Token]:
    """Show where an address was seen, and what belonged to it."""
    return [(t.LITERAL, t.bare(address))]


def rewritten(text: bytes) -> bytes:
    return t.field(addresslist.rewritten(t.tokens(text), mark))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"To:", b"To:\n"),
        (b"To: a, b@c", b"To: [a], [b@c]\n"),
        (b"To: a b", b"To: [a], [b]\n"),
        (b'To: "a" [b] c.d', b"To: [a], [\\[b\\]], [c.d]\n"),
        (b"To: a (c) @b", b"To: [a@b] (c)\n"),
        (b"To: a (c) b", b"To: [a], [b] (c)\n"),
        (b"To: Joe J. Doe (x) <a@b>", b"To: Joe J.Doe (x) <[a@b]>\n"),
        (b"To: <>", b"To: <[]>\n"),
        (b"To: a <b> c", b"To: a <[b]>, [c]\n"),
        (b"To: [a] <b>", b"To: [\\[a\\]] <[b]>\n"),
        (b"To: <a>, <b>", b"To: <[a]>, <[b]>\n"),
        (b"To: friends: a, b@c;, d", b"To: friends: [a], [b@c];, [d]\n"),
        (b"To: a, friends: b;", b"To: [a], friends: [b];\n"),
        (b"To: friends:;", b"To: friends: ;\n"),
        (b"To: a,", b"To: [a],\n"),
        (b"To: a<b", b"To: [a<b]\n"),
    ],
)
def test_addresses_are_found(text: bytes, field: bytes) -> None:
    assert rewritten(text) == field


@pytest.mark.parametrize("text", [b"To: a>", b"To: a: b", b"To: a:b;c;", b"To: ;;"])
def test_fields_that_cannot_be_read(text: bytes) -> None:
    with pytest.raises(FormatError):
        rewritten(text)


def test_what_was_read_before_the_mistake_was_seen() -> None:
    seen = []

    def see(address: list[t.Token]) -> list[t.Token]:
        seen.append(t.bare(address))
        return address

    with pytest.raises(FormatError):
        addresslist.rewritten(t.tokens(b"To: a>, b, c"), see)
    assert seen == [b"c", b"b", b"a"]
