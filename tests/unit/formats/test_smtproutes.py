"""control/smtproutes. That the original goes the same ways is seen in tests/differential."""

from __future__ import annotations

import pytest

from smarthost.formats import smtproutes


@pytest.mark.parametrize(
    ("lines", "route"),
    [
        ([], None),
        ([b"no colon"], None),
        ([b":relay"], (b"relay", 25)),
        ([b":relay:26"], (b"relay", 26)),
        ([b":relay:26x"], (b"relay", 26)),
        ([b":relay:x"], (b"relay", 0)),
        ([b":relay:65537"], (b"relay", 1)),
        ([b":[10.0.0.1]:26"], (b"[10.0.0.1]", 26)),
        ([b":[2001:db8::1]"], (b"[2001:db8::1]", 25)),
        ([b":[2001:db8::1]:26"], (b"[2001:db8::1]", 26)),
        ([b"mail.Inside.example:relay"], (b"relay", 25)),
        ([b".inside.example:relay"], (b"relay", 25)),
        ([b".example:relay", b":other"], (b"relay", 25)),
        ([b"example:relay"], None),
        ([b"inside.example:relay"], None),
        ([b"mail.inside.example:", b":relay"], None),
        ([b"mail.inside.example:one", b"mail.inside.example:two"], (b"two", 25)),
    ],
)
def test_routes(lines: list[bytes], route: tuple[bytes, int] | None) -> None:
    assert smtproutes.find(lines, b"mail.INSIDE.example") == route


def test_a_host_without_a_name() -> None:
    assert smtproutes.find([b":relay"], b"") == (b"relay", 25)
    assert smtproutes.find([b".x:relay"], b".x") == (b"relay", 25)
