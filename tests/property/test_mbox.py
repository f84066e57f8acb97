"""A message in an mbox: however its blocks are cut it comes out as line by line, and a reader gets it back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import mbox

PIECES = st.sampled_from(
    [b"From ", b"Fro", b"F", b"From", b"m ", b">", b">>", b"\n", b"\n", b"x", b" ", b"\nFrom ", b"\n>From "]
)
BLOCKS = st.lists(st.lists(PIECES, max_size=6).map(b"".join).filter(bool), max_size=6)


def by_lines(message: bytes) -> bytes:
    lines = message.splitlines(keepends=True) if message else []
    text = b"".join(mbox.quoted(line) for line in lines)
    return text + (b"" if message.endswith(b"\n") or not message else b"\n") + b"\n"


def written(blocks: list[bytes]) -> bytes:
    quoter = mbox.Quoter()
    return b"".join([quoter.feed(block) for block in blocks]) + quoter.finish()


@given(BLOCKS)
def test_however_it_is_cut(blocks: list[bytes]) -> None:
    assert written(blocks) == by_lines(b"".join(blocks))


@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_byte_by_byte(message: bytes) -> None:
    assert written([message[at : at + 1] for at in range(len(message))]) == by_lines(message)


@given(BLOCKS)
def test_a_reader_gets_it_back(blocks: list[bytes]) -> None:
    message = b"".join(blocks)
    lines = written(blocks).removesuffix(b"\n").split(b"\n")
    unquoted = [
        line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
        for line in lines
    ]
    assert not any(line.startswith(b"From ") for line in lines)
    assert b"\n".join(unquoted) in (message, message + b"\n")


def test_a_line_is_not_held() -> None:
    """A block goes out as it came in, but for what may still become a From_ line."""
    quoter = mbox.Quoter()
    assert quoter.feed(b">" * 100_000) == b">" * 100_000
    assert quoter.feed(b"Fro") == b""
    assert quoter.feed(b"m ") == b">From "
    assert quoter.feed(b"x" * 100_000) == b"x" * 100_000
