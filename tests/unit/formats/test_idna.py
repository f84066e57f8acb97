"""Names of hosts in ASCII, as the registries have them."""

from __future__ import annotations

import pytest

from smarthost.formats import idna


@pytest.mark.parametrize(
    ("host", "ascii_host"),
    [
        ("example.com", b"example.com"),
        ("bücher.example", b"xn--bcher-kva.example"),
        ("BÜCHER.example", b"xn--bcher-kva.example"),
        ("straße.example", b"xn--strae-oqa.example"),
        ("例え.テスト", b"xn--r8jz45g.xn--zckzah"),
        ("a..ü", b"a..xn--tda"),
        ("ü" * 64, ("ü" * 64).encode()),
        ("", b""),
    ],
)
def test_hosts(host: str, ascii_host: bytes) -> None:
    assert idna.ascii_host(host.encode()) == ascii_host


def test_what_is_no_text_stays() -> None:
    assert idna.ascii_host(b"\xff.example") == b"\xff.example"


def test_addresses() -> None:
    assert idna.ascii_address("joe@bücher.example".encode()) == b"joe@xn--bcher-kva.example"
    assert idna.ascii_address("jörg@example".encode()) == "jörg@example".encode()
    assert idna.ascii_address(b"nohost") == b"nohost"
