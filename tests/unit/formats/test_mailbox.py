from __future__ import annotations

import pytest

from smarthost.formats import mailbox


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (b"", b""),
        (b"joe", b"joe"),
        (b"joe.doe+x@host", b"joe.doe+x@host"),
        (b"joe doe@host", b'"joe doe"@host'),
        (b"@host", b'""@host'),
        (b"a@b@host", b'"a@b"@host'),
        (b'a"\\b@h', b'"a\\"\\\\b"@h'),
        (b"a\r\nb", b'"a\\\r\\\nb"'),
        (b".a@h", b'".a"@h'),
        (b"a.@h", b'"a."@h'),
        (b"a..b@h", b'"a..b"@h'),
        (b"\xe9@h", b'"\xe9"@h'),
        (b"a@h h", b"a@h h"),
    ],
)
def test_quoted(address: bytes, written: bytes) -> None:
    assert mailbox.quoted(address) == written


@pytest.mark.parametrize("byte", range(256))
def test_which_bytes_need_quotes(byte: int) -> None:
    plain = b"!#$%&'*+-/=?^_`{|}~"
    expected = not (bytes((byte,)).isalnum() or byte in plain)
    assert mailbox.needs_quotes(b"a" + bytes((byte,)) + b"z") == (expected and byte != ord("."))
