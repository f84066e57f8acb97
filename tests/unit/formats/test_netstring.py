from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import netstring


@pytest.mark.parametrize(
    ("payload", "encoded"), [(b"", b"0:,"), (b"hello world!", b"12:hello world!,"), (b"\0\xff", b"2:\0\xff,")]
)
def test_encode(payload: bytes, encoded: bytes) -> None:
    assert netstring.encode(payload) == encoded


@pytest.mark.parametrize(
    ("digits", "length"),
    [
        (b"", 0),
        (b"0", 0),
        (b"7", 7),
        (b"007", 7),
        (b"0" * 1000 + b"12", 12),
        (b"200000000", 200_000_000),
        (b"2000000009", 2_000_000_009),  # the last digit is taken before the limit is looked at
    ],
)
def test_lengths_whole_and_in_pieces(digits: bytes, length: int) -> None:
    assert netstring.extend(0, digits) == length
    assert netstring.extend(netstring.extend(0, digits[:1]), digits[1:]) == length
    value = 0
    for at in range(len(digits)):
        value = netstring.extend(value, digits[at : at + 1])
    assert value == length


@pytest.mark.parametrize(
    "digits",
    [b"2000000010", b"20000000010", b"200000001x"[:9] + b"0", b"9" * 10, b"1" * 5000, b"2000000009x"],
)
def test_too_long(digits: bytes) -> None:
    with pytest.raises(netstring.TooLong):
        netstring.extend(0, digits)


@pytest.mark.parametrize("digits", [b"x", b" 1", b"1 ", b"-1", b"+1", b"200000000x", b"\xb2", b"1\0"])
def test_not_a_number(digits: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        netstring.extend(0, digits)
    assert not isinstance(caught.value, netstring.TooLong)
