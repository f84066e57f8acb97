"""formats.ip4: addresses as ucspi-tcp spells them."""

from __future__ import annotations

import pytest

from smarthost.formats.ip4 import addresses_in


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (b"127.0.0.1", [b"127.0.0.1"]),
        (b"127.000.000.010", [b"127.0.0.10"]),
        (b"[10.1.2.3]", [b"10.1.2.3"]),
        (b"1.2.3", []),
        (b"", []),
        (b"1.2.3.256", [b"1.2.3.0"]),
        (b"1.2.3.4.5", [b"1.2.3.4"]),
        (b"1.2.3.4.5.6.7.8", [b"1.2.3.4", b"5.6.7.8"]),
        (b"1..2.3", [b"1.0.2.3"]),
        (b"localhost", None),
        (b"1.2.3.4x", None),
        (b"::1", None),
    ],
)
def test_addresses_and_names(text: bytes, addresses: list[bytes] | None) -> None:
    assert addresses_in(text) == addresses
