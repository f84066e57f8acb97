"""Where a header ends and which fields it has. Not tested: nothing known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import fields


def parts(message: bytes) -> tuple[list[bytes], list[bytes]]:
    found = list(fields.split(message.splitlines(keepends=True)))
    return [text for is_field, text in found if is_field], [text for is_field, text in found if not is_field]


@pytest.mark.parametrize(
    ("message", "header", "body"),
    [
        (b"", [], []),
        (b"A: 1\nB: 2\n\nbody\n", [b"A: 1\n", b"B: 2\n"], [b"\n", b"body\n"]),
        (b"A: 1\n  2\n\t3\n\n", [b"A: 1\n  2\n\t3\n"], [b"\n"]),
        (b"A: 1", [b"A: 1\n"], []),
        (b"A: 1\nno field\nmore", [b"A: 1\n"], [b"\n", b"no field\n", b"more\n"]),
        (b" begins with a blank: x\n", [], [b"\n", b" begins with a blank: x\n"]),
        (b"\nA: 1\n", [], [b"\n", b"A: 1\n"]),
        (b"From joe today\nA: 1\n", [b"MBOX-Line: From joe today\n", b"A: 1\n"], []),
        (b": x\n", [], [b"\n", b": x\n"]),
        (b"A \t: 1\n", [b"A \t: 1\n"], []),
        (b"A b: 1\n", [], [b"\n", b"A b: 1\n"]),
        (b"\xe9: 1\n", [], [b"\n", b"\xe9: 1\n"]),
    ],
)
def test_header_and_body(message: bytes, header: list[bytes], body: list[bytes]) -> None:
    assert parts(message) == (header, body)


def test_name_and_value() -> None:
    field = b"Delivered-TO \t: \r\n joe\n doe\n"
    assert fields.name(field) == b"delivered-to"
    assert fields.value(field) == b"joe\n doe\n"


@given(st.lists(st.sampled_from([b"A: 1\n", b" x\n", b"\n", b"From \n", b"y\n", b"B:\n"]), max_size=8))
def test_nothing_is_lost(lines: list[bytes]) -> None:
    header, body = parts(b"".join(lines))
    rebuilt = b"".join(field.removeprefix(fields.MBOX_LINE) for field in header) + b"".join(body)
    assert rebuilt.replace(b"\n", b"") == b"".join(lines).replace(b"\n", b"")
