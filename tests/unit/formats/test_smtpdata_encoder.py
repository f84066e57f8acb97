"""How a message becomes the lines of DATA."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats.smtpdata import DataDecoder, DataEncoder
from tests.support.arrivals import arrivals

TEXTS = st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\n.\n", b"\0\xff"])).map(b"".join)


def encoded(pieces: list[bytes], *, complete: bool = False) -> tuple[bytes, bool]:
    encoder = DataEncoder()
    sent = b"".join([encoder.feed(piece) for piece in pieces if piece])
    return sent + encoder.end(complete=complete), encoder.whole


def test_lines_and_dots() -> None:
    for message, lines in {
        b"": b".\r\n",
        b"a\n.b\n": b"a\r\n..b\r\n.\r\n",
        b".\n": b"..\r\n.\r\n",
        b"a\r\n.\r\nb\r": b"a\r\n..\r\nb\r\n.\r\n",
        b"a\r.\rb\n": b"a\r\n..\r\nb\r\n.\r\n",
        b"\r\r\n": b"\r\n\r\n.\r\n",
    }.items():
        for pieces in arrivals(message):
            assert encoded(pieces) == (lines, True)


def test_a_line_without_an_end() -> None:
    for message in (b"a", b".", b"a\nb", b"\ra"):
        for pieces in arrivals(message):
            assert not encoded(pieces)[1]
            assert encoded(pieces, complete=True)[0].endswith(b"\r\n.\r\n")
    assert encoded([b"a\n"], complete=True)[0] == b"a\r\n.\r\n"


@given(message=TEXTS, cut=st.integers(0, 30))
def test_a_server_reads_the_same_lines(message: bytes, cut: int) -> None:
    sent, _ = encoded([message[:cut], message[cut:]], complete=True)
    decoder = DataDecoder(bare=False)
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert decoder.feed(sent) == (lines if lines.endswith(b"\n") or not lines else lines + b"\n")
    assert (decoder.done, decoder.rest) == (True, b"")
    assert b"\r" not in sent.replace(b"\r\n", b"")
    assert b"\n" not in sent.replace(b"\r\n", b"")
