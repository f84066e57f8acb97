"""Which exchanger first, and never one behind ourselves."""

from __future__ import annotations

import pytest

from smarthost.policy import mailexchanger
from smarthost.policy.mailexchanger import Place


def test_the_order() -> None:
    lots = iter([5, 1, 9, 3])
    exchangers = [(10, b"a"), (10, b"b"), (5, b"c"), (10, b"d")]
    assert mailexchanger.in_order(exchangers, lambda: next(lots)) == [
        (5, b"c"),
        (10, b"b"),
        (10, b"d"),
        (10, b"a"),
    ]


def test_before_us() -> None:
    places = [
        Place(address, b"", preference)
        for address, preference in ((b"a", 1), (b"us", 2), (b"b", 2), (b"c", 3))
    ]

    def found(*ours: bytes) -> list[bytes]:
        return [place.address for place in mailexchanger.before_us(places, lambda address: address in ours)]

    assert found() == [b"a", b"us", b"b", b"c"]
    assert found(b"us") == [b"a"]
    assert found(b"c", b"us") == [b"a"]
    assert found(b"a") == []


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (b"10.0.0.1", b"10.0.0.1"),
        (b"[10.0.0.1]", b"10.0.0.1"),
        (b"010.256.0.1", b"10.0.0.1"),
        (b"[::1]", b"::1"),
        (b"[IPv6:2001:db8::1]", b"2001:db8::1"),
        (b"[ipv6:::1]", b"::1"),
        (b"::1", None),
        (b"[10.0.0.1", None),
        (b"10.0.0", None),
        (b"10.0.0.x", None),
        (b"10.0.0.", None),
        (b"host.example", None),
        (b"", None),
    ],
)
def test_literals(host: bytes, address: bytes | None) -> None:
    assert mailexchanger.literal(host) == address
