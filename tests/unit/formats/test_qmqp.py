from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import netstring, qmqp
from tests.support.arrivals import arrivals
from tests.support.qmqp import netstring as framed
from tests.support.qmqp import request

Taken = tuple[int | None, bytes, list[bytes | None], bool]


def taken(pieces: list[bytes]) -> Taken:
    """Size, message, addresses, and whether that was all."""
    decoder = qmqp.RequestDecoder()
    size, message, ended = None, b"", False
    addresses: list[bytes | None] = []
    for piece in pieces:
        for event in decoder.feed(piece):
            assert not ended
            if isinstance(event, qmqp.Begin):
                size = event.size
            elif isinstance(event, qmqp.Part):
                message += event.data
            elif isinstance(event, qmqp.Sender):
                assert isinstance(event, qmqp.Recipient) is bool(addresses)
                addresses.append(event.address)
            else:
                ended = True
    assert decoder.done is ended
    return size, message, addresses, ended


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (request(b"hi\n", b"a@b", [b"c@d"]), (3, b"hi\n", [b"a@b", b"c@d"], True)),
        (request(b"", b"", []), (0, b"", [b""], True)),
        (request(b"x", b"", [b"", b"y"]), (1, b"x", [b"", b"", b"y"], True)),
        (framed(b":,:,"), (0, b"", [b""], True)),
        (b"008:01:x,02:yz,,", None),
        (b"0011:01:x,02:yz,,", (1, b"x", [b"yz"], True)),
        (request(b"x", b"n\0l", [b"y"]), (1, b"x", [None, b"y"], True)),
        (request(b"x", b"s", [b"n\0", b"y"]), (1, b"x", [b"s", None, b"y"], True)),
    ],
)
def test_requests_however_they_arrive(sent: bytes, expected: Taken | None) -> None:
    for pieces in arrivals(sent):
        if expected is None:
            with pytest.raises(FormatError):
                taken(pieces)
        else:
            assert taken(pieces) == expected
            assert taken([*pieces, b"left over"]) == expected


@pytest.mark.parametrize(
    "sent",
    [
        b"0:",
        b"x",
        b"5x",
        b"-",
        b"3:0:x",  # no comma after the message
        b"3:0:,",  # no sender
        b"4:4:",  # no room for the comma
        b"6:0:,0:;",
        b"6:0:,0:,;",
        b"9:0:,1:ab",
        b"7:0:,0:,1",  # the request ends within a length
        b"1:0",
        b"0" * 100,  # the outermost length may have a hundred bytes with its colon
    ],
)
def test_malformed_as_soon_as_it_is_known(sent: bytes) -> None:
    for pieces in arrivals(sent):
        with pytest.raises(FormatError):
            taken(pieces)
    assert not taken([sent[:-1]])[3]


@pytest.mark.parametrize("sent", [b"2000000010", b"100:2000000010", b"100:0:,2000000010"])
def test_too_long(sent: bytes) -> None:
    with pytest.raises(netstring.TooLong):
        taken([sent])


def test_an_address_of_999_bytes_is_the_longest() -> None:
    longest, too_long = b"x" * 999, b"x" * 1000
    for chunk in (1, 7, 998, 999, 1000, 1001, 5000):
        sent = request(b"m", longest, [too_long, b"y"])
        pieces = [sent[at : at + chunk] for at in range(0, len(sent), chunk)]
        assert taken(pieces) == (1, b"m", [longest, None, b"y"], True)


def test_zeros_cost_no_memory() -> None:
    sent = b"%d:%s1:x,0:," % (5_000_007, b"0" * 5_000_000)
    decoder = qmqp.RequestDecoder()
    events = [event for at in range(0, len(sent), 65536) for event in decoder.feed(sent[at : at + 65536])]
    assert isinstance(events[0], qmqp.Begin)
    assert events[0].size == 1
    assert len(events) == 3
