"""What control files say, by the rules of qmail's control.c."""

from __future__ import annotations

import pytest

from smarthost.formats import control


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", b""),
        (b"\n", b""),
        (b"mail.example\n", b"mail.example"),
        (b"mail.example", b"mail.example"),
        (b"mail.example \t \nsecond\n", b"mail.example"),
        (b"\nsecond\n", b""),
        (b"  a b\n", b"  a b"),
        (b"# no comment here\n", b"# no comment here"),
        (b"a\r\n", b"a\r"),
        (b"a\0b \n", b"a\0b"),
    ],
)
def test_a_file_of_one_fact(content: bytes, expected: bytes) -> None:
    assert control.line(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", None),
        (b"\n40\n", None),
        (b"forty\n", None),
        (b" 40\n", None),
        (b"-1\n", None),
        (b"40\n", 40),
        (b"0\n", 0),
        (b"007\n", 7),
        (b"40 at once\n", 40),
        (b"4\0", 4),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", 2**63 - 1),
        (b"9" * 10_000, 2**63 - 1),
        (b"0" * 10_000 + b"5", 5),
        ("٣".encode(), None),
    ],
)
def test_a_number(content: bytes, expected: int | None) -> None:
    assert control.number(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n \n\t\n", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a \t\n\n  b\n", [b"a", b"  b"]),
        (b"# comment\na # none\n #none\n", [b"a # none", b" #none"]),
        (b"a\0b\n\0c\n", [b"a", b"b"]),
    ],
)
def test_a_list(content: bytes, expected: list[bytes]) -> None:
    assert control.lines(content) == expected


def test_qmails_own_larger_numbers_are_not_taken_over() -> None:
    """control.c keeps 32 bits of a number: 4294967297 would be a limit of 1."""
    assert control.number(b"4294967297\n") == 4294967297
