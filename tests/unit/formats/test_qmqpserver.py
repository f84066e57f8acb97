"""What a line of control/qmqpservers says. Not tested: nothing known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats.qmqpserver import PORT, QmqpServer, parse


@pytest.mark.parametrize(
    ("line", "server"),
    [
        (b"10.0.0.1", QmqpServer(host=b"10.0.0.1", port=PORT)),
        (b"10.0.0.1 the first one", QmqpServer(host=b"10.0.0.1", port=PORT)),
        (b"10.0.0.1:1", QmqpServer(host=b"10.0.0.1", port=1)),
        (b"::1", QmqpServer(host=b"::1", port=PORT)),
        (b"[::1]", QmqpServer(host=b"::1", port=PORT)),
        (b"[::1]:65535", QmqpServer(host=b"::1", port=65535)),
        (b"[fe80::1%eth0]:700", QmqpServer(host=b"fe80::1%eth0", port=700)),
        (b"::ffff:10.0.0.1", QmqpServer(host=b"::ffff:10.0.0.1", port=PORT)),
        (b"mail.example.com", QmqpServer(host=b"mail.example.com", port=PORT)),
        (b"smart_host:00700", QmqpServer(host=b"smart_host", port=700)),
        (b"/run/qmqp.sock", QmqpServer(path=b"/run/qmqp.sock")),
        (b"tls:mail.example.com:700", QmqpServer(host=b"mail.example.com", port=700, tls=True)),
        (b"tls:10.0.0.1", QmqpServer(host=b"10.0.0.1", port=PORT, tls=True)),
        (b"tls:[::1]:700", QmqpServer(host=b"::1", port=700, tls=True)),
        (b"tls:628", QmqpServer(host=b"tls", port=628)),
        (b"tls", QmqpServer(host=b"tls", port=PORT)),
    ],
)
def test_a_line_and_its_server(line: bytes, server: QmqpServer) -> None:
    assert parse(line) == server
    assert hash(parse(line)) == hash(server)


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b" ", b":", b":628", b"host:", b"host:x", b"host:0", b"host:65536", b"host:000628", b"h:\xb2"),
        *(b"[::1", b"x:y:z", b"[::1]628", b"[::1]:", b"[10.0.0.1]", b"[]", b"fe80::1%/", b"a/b", b"j\xf6rg"),
        *(b"tls:", b"tls:/run/qmqp.sock", b"tls:tls:host:1", b"user@host", b"\x00"),
    ],
)
def test_a_line_that_names_no_server(line: bytes) -> None:
    with pytest.raises(FormatError):
        parse(line)


@pytest.mark.parametrize(
    ("line", "ip4", "ip6"),
    [
        (b"10.0.0.1", True, False),
        (b"10.0.0", False, False),
        (b"10.0.0.x", False, False),
        (b"10.0..1", False, False),
        (b"::1", False, True),
        (b"/10.0.0.1", False, False),
    ],
)
def test_what_needs_no_lookup(line: bytes, ip4: bool, ip6: bool) -> None:
    assert (parse(line).is_ip4, parse(line).is_ip6) == (ip4, ip6)


def test_shown_and_compared() -> None:
    assert repr(parse(b"host")) == "QmqpServer(b'host', 628, b'', False)"
    assert parse(b"host") != b"host"


@given(st.binary(max_size=40))
def test_any_bytes_name_a_server_or_raise(line: bytes) -> None:
    try:
        server = parse(line)
    except FormatError:
        return
    assert bool(server.path) != bool(server.host and server.port)
