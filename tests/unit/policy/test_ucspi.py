"""policy.ucspi: a connection in the environment and in the log."""

from __future__ import annotations

import pytest

from smarthost.policy.ucspi import Connection, Names, ends, environment, safe

CONNECTION = Connection(5, b"192.0.2.7", 41552, b"192.0.2.1", 628)


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (None, b""),
        (b"", b""),
        (b"joe", b"joe"),
        (b"a b\tc%d:e\x7f\x80\xff~!", b"a?b?c?d?e???~!"),
        (b"x" * 99, b"x" * 99),
        (b"x" * 100, b"x" * 100 + b"..."),
        (b":" * 101, b"?" * 100 + b"..."),
    ],
)
def test_what_a_peer_wrote_cannot_forge_a_field(field: bytes | None, shown: bytes) -> None:
    assert safe(field) == shown


def test_both_ends_as_the_log_shows_them() -> None:
    assert ends(CONNECTION, Names(b"mail", b"null", b"joe")) == b"mail:192.0.2.1:628 null:192.0.2.7:joe:41552"
    assert ends(CONNECTION, Names(None)) == b":192.0.2.1:628 :192.0.2.7::41552"


def test_what_is_unknown_is_removed() -> None:
    assert dict(environment(CONNECTION, Names(b"mail"))) == {
        b"PROTO": b"TCP",
        b"TCPLOCALIP": b"192.0.2.1",
        b"TCPLOCALPORT": b"628",
        b"TCPLOCALHOST": b"mail",
        b"TCPREMOTEIP": b"192.0.2.7",
        b"TCPREMOTEPORT": b"41552",
        b"TCPREMOTEHOST": None,
        b"TCPREMOTEINFO": None,
    }


def test_origin() -> None:
    assert CONNECTION.origin() == b" from 192.0.2.7"


def test_facts() -> None:
    assert Connection(9, *CONNECTION.facts()).facts() == (b"192.0.2.7", 41552, b"192.0.2.1", 628)
