"""Sentences about requests that hold for any bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import envelope, qmqp
from tests.support.qmqp import request

ADDRESSES = st.binary(max_size=1010)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(at)]


def story(parts: list[bytes]) -> tuple[bytes, list[bytes | None], str]:
    """The message, the addresses, and how it ended."""
    decoder = qmqp.RequestDecoder()
    message = b""
    addresses: list[bytes | None] = []
    try:
        for part in parts:
            for event in decoder.feed(part):
                if isinstance(event, qmqp.Part):
                    message += event.data
                elif isinstance(event, qmqp.Sender):
                    addresses.append(event.address)
    except FormatError as error:
        return message, addresses, type(error).__name__
    return message, addresses, "done" if decoder.done else "more"


class TestWhatIsSentIsWhatIsTaken:
    @given(st.binary(), ADDRESSES, st.lists(ADDRESSES, max_size=5), st.lists(st.integers(0), max_size=8))
    def test_however_it_arrives(
        self, message: bytes, sender: bytes, recipients: list[bytes], cuts: list[int]
    ) -> None:
        expected = [None if len(each) >= 1000 or 0 in each else each for each in (sender, *recipients)]
        sent = request(message, sender, recipients)
        assert story(pieces(sent, cuts)) == (message, expected, "done")


class TestAnyBytesAreARequestOrAFormatError:
    @given(
        st.lists(st.sampled_from([*b"0123456789:,:,:,;\0", 0xFF]), max_size=60).map(bytes),
        st.lists(st.integers(0), max_size=8),
    )
    def test_and_pieces_change_nothing(self, sent: bytes, cuts: list[int]) -> None:
        assert story(pieces(sent, cuts)) == story([sent])


class TestAnEnvelopeIsCheckedAsItComes:
    @given(ADDRESSES, st.lists(ADDRESSES, max_size=5), st.lists(st.integers(0), max_size=8))
    def test_and_pieces_change_nothing(self, sender: bytes, recipients: list[bytes], cuts: list[int]) -> None:
        data = envelope.sender(sender) + b"".join(map(envelope.recipient, recipients)) + envelope.END
        assert self.outcome(pieces(data, cuts)) == self.outcome([data])

    @staticmethod
    def outcome(parts: list[bytes]) -> tuple[bytes, str]:
        checker = envelope.EnvelopeChecker()
        taken = b""
        try:
            for part in parts:
                if not checker.done:
                    taken += checker.feed(part)
        except FormatError as error:
            return b"", type(error).__name__
        return taken, "done" if checker.done else "more"
