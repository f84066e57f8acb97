"""What a QMQP server answers. Not tested: nothing known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats.qmqpreply import TEXT_LIMIT, ReplyReader, shown


def read(*pieces: bytes) -> tuple[bytes, bytes, bool]:
    reader = ReplyReader()
    for piece in pieces:
        reader.feed(piece)
    return reader.letter, reader.text, reader.done


@pytest.mark.parametrize(
    ("stream", "reply"),
    [
        (b"9:Kok 1 qp,", (b"K", b"ok 1 qp,", True)),  # the length counts, the comma is not looked at
        (b"8:Kok 1 qp,", (b"K", b"ok 1 qp", True)),
        (b"1:D,", (b"D", b"", True)),
        (b"007:Zno way", (b"Z", b"no way", True)),
        (b"2:Z\n", (b"Z", b"\n", True)),
        (b"", (b"", b"", False)),
        (b"12", (b"", b"", False)),
        (b"12:", (b"", b"", False)),
        (b"12:K", (b"K", b"", False)),
    ],
)
def test_whole_and_byte_by_byte(stream: bytes, reply: tuple[bytes, bytes, bool]) -> None:
    assert read(stream) == reply
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == reply


@pytest.mark.parametrize(
    "stream", [b"220 smtp ready\r\n", b"K", b":", b"0:,", b"000:", b"-1:K", b"3:abc,", b"1" * 11, b"\xff"]
)
def test_what_is_no_reply(stream: bytes) -> None:
    with pytest.raises(FormatError):
        read(stream)
    with pytest.raises(FormatError):
        read(*(stream[at : at + 1] for at in range(len(stream))))


def test_a_long_text_is_not_waited_for() -> None:
    letter, text, done = read(b"999999999:Z" + b"x" * 5000)
    assert (letter, len(text), done) == (b"Z", TEXT_LIMIT - 1, True)


@given(st.binary(max_size=60), st.data())
def test_pieces_make_no_difference(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    try:
        whole = read(stream)
    except FormatError:
        with pytest.raises(FormatError):
            read(stream[:cut], stream[cut:])
    else:
        assert read(stream[:cut], stream[cut:]) == whole


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"no (#5.1.1)", b"Dno (#5.1.1)"),
        (b"a\r\n250 ok\xe9\x00", b"Da??250 ok??"),
        (b"x" * 300, b"D" + b"x" * 254),
    ],
)
def test_shown_on_one_line(text: bytes, line: bytes) -> None:
    assert shown(b"D", text, 255) == line
