"""Assignments as they are looked up; tests/differential/test_qmail_newu.py has how they are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import assign


def plain(data: bytes) -> tuple[bytes, int, int, bytes, bytes, bytes]:
    found = assign.assignment(data)
    return found.user, found.uid, found.gid, found.home, found.dash, found.ext


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"joe\x00507\x00100\0/home/joe\0-\0ext\0", (b"joe", 507, 100, b"/home/joe", b"-", b"ext")),
        (b"joe\x00507\x00100\0/home/joe\0\0\0", (b"joe", 507, 100, b"/home/joe", b"", b"")),
        (b"j\x00007x\0\0/\0\0\0more\0", (b"j", 7, 0, b"/", b"", b"")),
        (b"j\0x\0-1\0/\0\0\0", (b"j", 0, 0, b"/", b"", b"")),
        (b"j\x004294967294\x001\0/\0\0\0", (b"j", 4294967294, 1, b"/", b"", b"")),
    ],
)
def test_fields(data: bytes, fields: tuple[bytes, int, int, bytes, bytes, bytes]) -> None:
    assert plain(data) == fields


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"joe",
        b"joe\x001\x002\0/\0-\0ext",
        b"j\x004294967295\x001\0/\0\0\0",
        b"j\x001\x0018446744073709551616\0/\0\0\0",
        b"j\x00" + b"9" * 10_000 + b"\x001\0/\0\0\0",
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        assign.assignment(data)


def test_a_cdb_of_something_else() -> None:
    with pytest.raises(FormatError):
        assign.find({b"x": b"y"}.get, b"joe")


def test_only_what_may_be_there_is_looked_up() -> None:
    asked: list[bytes] = []

    def get(key: bytes) -> bytes | None:
        asked.append(key)
        return b"-" if not key else None

    assert assign.find(get, b"A-bc-d") is None
    assert asked == [b"", b"!a-bc-d\0", b"!a-bc-", b"!a-", b"!"]


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_any_lines_are_records_or_refused(lines: list[bytes]) -> None:
    try:
        for keys, data in assign.records([line + b"\n" for line in lines]):
            assert len(keys) == len(data)
            assert all(fields.count(b"\0") == 5 for key, fields in zip(keys, data, strict=True) if key)
    except FormatError:
        pass
