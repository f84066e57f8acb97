from __future__ import annotations

import pytest

from smarthost.formats import token822 as t
from smarthost.policy.hostnames import Hostnames

NAMES = Hostnames(host=b"host", domain=b"dom.example", plus=b"plus.example")


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        (b"", b""),
        (b"joe", b"joe@host.dom.example"),
        (b"joe@h", b"joe@h.dom.example"),
        (b"joe@h.x", b"joe@h.x"),
        (b"j.d", b"j.d@host.dom.example"),
        (b"j.d@h", b"j.d@h.dom.example"),
        (b"joe@[1.2.3.4]", b"joe@[1.2.3.4]"),
        (b"joe@x [1]", b"joe@x[1]"),
        (b"joe@h+", b"joe@h.plus.example"),
        (b"joe@h.x+", b"joe@h.x.plus.example"),
        (b"joe@+", b"joe@.plus.example"),
        (b"joe+", b"joe+@host.dom.example"),
        (b'"joe"@"h+"', b"joe@h+.dom.example"),
        (b"@", b""),
        (b".", b""),
        (b"@.", b""),
        (b"joe@", b"joe@host.dom.example"),
        (b"joe.", b"joe@host.dom.example"),
        (b"joe@.", b"joe@host.dom.example"),
        (b"joe.@", b"joe.@host.dom.example"),
        (b"joe@h.", b"joe@h.dom.example"),
        (b"@a,@b:joe@h", b"joe@h.dom.example"),
        (b"@a:joe", b"joe@host.dom.example"),
        (b"@a", b""),
        (b"@a:", b""),
        (b"joe@[]", b"joe@[]"),
        (b"@[]", b"@[]"),
        (b"a@b@c", b"a@b@c.dom.example"),
        (b"a@b.x@c", b"a@b.x@c.dom.example"),
    ],
)
def test_complete(given: bytes, completed: bytes) -> None:
    assert t.bare(NAMES.complete(t.tokens(given))) == completed


def test_default_names_are_completed_themselves() -> None:
    names = Hostnames(host=b"cluster+", domain=b"dom", plus=b"plus.example")
    assert t.bare(names.complete(t.tokens(b"joe"))) == b"joe@cluster.plus.example"
    names = Hostnames(host=b"host.example", domain=b"dom", plus=b"plus")
    assert t.bare(names.complete(t.tokens(b"joe"))) == b"joe@host.example"


def test_an_empty_default_host_still_brings_its_at() -> None:
    names = Hostnames(host=b"", domain=b"dom", plus=b"plus")
    assert t.bare(names.complete(t.tokens(b"joe"))) == b"joe@.dom"


def test_the_address_given_is_left_alone() -> None:
    given = t.tokens(b"joe@h+")
    NAMES.complete(given)
    assert given == t.tokens(b"joe@h+")


@pytest.mark.parametrize("names", [("(", "d", "p"), ("h", ")", "p"), ("h", "d", '"')])
def test_names_that_cannot_be(names: tuple[str, str, str]) -> None:
    with pytest.raises(t.Unreadable):
        Hostnames(*(name.encode() for name in names))


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        (b"joe@localhost", b"joe@localhost"),
        (b"joe", b"joe@localhost"),
        (b"joe@x.localhost", b"joe@x.localhost"),
        (b"joe@localhost+", b"joe@localhost.plus.example"),
        (b'joe@"localhost"', b"joe@localhost.dom.example"),
        (b"joe@other", b"joe@other.dom.example"),
    ],
)
def test_names_that_are_whole_without_a_dot(given: bytes, completed: bytes) -> None:
    names = Hostnames(host=b"localhost", domain=b"dom.example", plus=b"plus.example", whole=(b"localhost",))
    assert t.bare(names.complete(t.tokens(given))) == completed
