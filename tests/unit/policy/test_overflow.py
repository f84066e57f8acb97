"""What is kept and what is dropped: whole lines, and every one of them is one or the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smarthost.policy.overflow import Overflow


def drained(overflow: Overflow) -> list[bytes | str]:
    """All that is in it, in order, gaps as text."""
    found: list[bytes | str] = []
    while overflow.ready or overflow.gap is not None:
        if overflow.gap is not None:
            found.append(str(overflow.forget_gap()))
        else:
            text = overflow.front(10**6)
            overflow.take(len(text))
            found.append(text)
    return found


def test_what_fits_is_kept() -> None:
    overflow = Overflow(8)
    overflow.put(b"one\n")
    overflow.put(b"tw")
    assert overflow.front(4) == b"one\n"
    assert drained(overflow) == [b"one\ntw"]
    assert overflow.is_over


def test_lines_are_dropped_until_half_is_free() -> None:
    overflow = Overflow(8)
    overflow.put(b"a\nb\nc\nd\ne\nf\n")
    overflow.put(b"g\n")
    assert overflow.gap is None
    overflow.take(2)
    overflow.put(b"h\n")
    overflow.take(2)
    overflow.put(b"i\n")
    assert drained(overflow) == [b"c\nd\n", "4 lines, 8 bytes", b"i\n"]


def test_a_line_that_is_under_way_goes_as_a_whole() -> None:
    overflow = Overflow(8)
    overflow.put(b"a\nbbb")
    overflow.put(b"bbbb")
    overflow.put(b"b\nc\n")
    assert drained(overflow) == [b"a\n", "1 lines, 9 bytes", b"c\n"]
    assert overflow.is_over


def test_unless_somebody_has_it_in_hand() -> None:
    overflow = Overflow(8)
    overflow.hold(b"a\nbbb")
    overflow.put(b"bbbb\nc\nd", seen=5)
    overflow.put(b"d\n", seen=5)
    assert drained(overflow) == [b"a\nbbbbbbb\n", "2 lines, 5 bytes"]


def test_a_line_in_hand_that_has_no_end_is_cut() -> None:
    overflow = Overflow(8)
    overflow.hold(b"a\nbbb")
    overflow.put(b"bbbb", seen=5)
    assert drained(overflow) == [b"a\nbbb\n", "0 lines, 4 bytes"]
    assert not overflow.is_over
    overflow.put(b"bb\nc\n")
    assert drained(overflow) == ["1 lines, 3 bytes", b"c\n"]


def test_nothing_need_be_held() -> None:
    overflow = Overflow(0)
    overflow.put(b"")
    assert overflow.is_over
    overflow.put(b"a\nb\n")
    overflow.put(b"c\n")
    assert drained(overflow) == ["3 lines, 6 bytes"]
    overflow.put(b"d\n")
    assert drained(overflow) == ["1 lines, 2 bytes"]
    assert overflow.is_over


TEXTS = st.lists(st.tuples(st.text("a\n", max_size=12).map(str.encode), st.integers(0, 20)), max_size=30)


@given(st.integers(0, 20), TEXTS)
def test_every_line_is_kept_or_counted(limit: int, steps: list[tuple[bytes, int]]) -> None:
    """`step`: what comes, and how much is then looked at, of which whole lines are taken."""
    overflow = Overflow(limit)
    came = b"".join(text for text, _ in steps)
    kept = b""
    lines = size = seen = 0
    for text, most in steps:
        overflow.put(text, seen)
        front = overflow.front(max(most, seen))
        whole = front.rfind(b"\n") + 1
        count = overflow.take(whole)
        assert (count.lines, count.bytes) == (front.count(b"\n"), whole)
        kept += front[:whole]
        seen = len(front) - whole
        if overflow.gap is not None:
            gap = overflow.forget_gap()
            lines, size = lines + gap.lines, size + gap.bytes
    for part in [overflow.front(0), *drained(overflow)]:
        if isinstance(part, bytes):
            kept += part
        else:
            words = part.split()
            lines, size = lines + int(words[0]), size + int(words[2])
    assert kept.count(b"\n") + lines == overflow.came.lines
    assert len(kept) + size == overflow.came.bytes
    ended = overflow.came.bytes - len(came)  # lines that were cut, and so ended
    assert ended <= lines + 1
    if not ended:
        assert set(kept.splitlines()) <= set(came.splitlines())
