from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import envelope
from tests.support.arrivals import arrivals

RECORDS = envelope.sender(b"a@b") + envelope.recipient(b"c@d") + envelope.recipient(b"")


def checked(pieces: list[bytes]) -> tuple[bytes, bool]:
    checker = envelope.EnvelopeChecker()
    taken = b""
    for piece in pieces:
        if not checker.done:
            taken += checker.feed(piece)
    return taken, checker.done


def test_records() -> None:
    assert RECORDS == b"Fa@b\0Tc@d\0T\0"


@pytest.mark.parametrize("left_over", [b"", b"Tx\0", b"\0"])
def test_a_whole_envelope(left_over: bytes) -> None:
    for pieces in arrivals(RECORDS + envelope.END + left_over):
        assert checked(pieces) == (RECORDS, True)


def test_no_recipients() -> None:
    assert checked([b"F\0\0"]) == (b"F\0", True)


def test_an_envelope_without_its_end() -> None:
    for pieces in arrivals(RECORDS):
        assert checked(pieces) == (RECORDS, False)


@pytest.mark.parametrize("wrong", [b"T\0\0", b"\0", b"xa\0\0", b"Fa\0Fb\0\0", b"Fa\0x"])
def test_a_wrong_letter(wrong: bytes) -> None:
    for pieces in arrivals(wrong):
        with pytest.raises(FormatError):
            checked(pieces)


@pytest.mark.parametrize("letters", [b"F", b"F\0T"])
def test_the_longest_address(letters: bytes) -> None:
    longest = letters + b"x" * (envelope.ADDRESS_LIMIT - 1) + b"\0"
    for cut in (1, 500, len(longest) - 1):
        assert checked([longest[:cut], longest[cut:], b"\0"]) == (longest, True)
    too_long = letters + b"x" * envelope.ADDRESS_LIMIT
    for cut in (1, 500, len(too_long) - 1, len(too_long)):
        with pytest.raises(envelope.AddressTooLong):
            checked([too_long[:cut], too_long[cut:]])
