"""multilog's patterns, one line at a time and many at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.policy.logpattern import Selection, left_over, matches


# From multilog(8), and from the original's behaviour where the manual is silent.
@pytest.mark.parametrize(
    ("pattern", "line", "answer"),
    [
        (b"hello", b"hello", True),
        (b"hello", b"hello world", False),
        (b"named[*]: Cleaned cache *", b"named[135]: Cleaned cache of 3121 RRs", True),
        (b"*", b"", True),
        (b"", b"", True),
        (b"", b"x", False),
        (b"*status*", b"tcpserver: status: 1", False),  # the first s is tcpserver's
        (b"*status*", b"new status", True),
        (b"* fatal: *", b"@400000003b4a39c23294b13c fatal: out of memory", True),
        (b"**", b"no star", False),
        (b"**", b"a * star", True),
        (b"**b", b"a*bb", False),
        (b"a*b", b"ab", True),
        (b"a*b", b"abb", False),
        (b"*b", b"a", False),
        (b"x*\n", b"x", False),
    ],
)
def test_matches(pattern: bytes, line: bytes, *, answer: bool) -> None:
    assert matches(pattern, line) == answer
    assert Selection([(True, b"*"), (False, b"*"), (True, pattern)]).takes(line) == answer


def test_left_over() -> None:
    assert left_over(b"* fatal", b"@4 ") == b"fatal"
    assert left_over(b"*x", b"abc") == b"*x"
    assert left_over(b"ab", b"ab") == b""
    assert left_over(b"ab", b"abc") is None
    assert left_over(b"abc", b"abd") is None
    assert left_over(b"a*", b"abc") == b"*"


def test_only_the_first_thousand_bytes_are_seen() -> None:
    selection = Selection([(False, b"*y*")])
    assert selection.takes(b"x" * 1000 + b"y")
    assert not selection.takes(b"x" * 999 + b"y")


PATTERNS = st.text("ab* \n", max_size=6).map(str.encode)
WORDS = st.text("ab* ", max_size=8).map(str.encode)


@given(
    st.lists(st.tuples(st.booleans(), PATTERNS), max_size=4),
    st.sampled_from([b"", b"b ", b"a*b "]),
    st.lists(WORDS, max_size=6),
)
def test_many_lines_are_chosen_as_each_of_them(
    rules: list[tuple[bool, bytes]], stamp: bytes, lines: list[bytes]
) -> None:
    selection = Selection(rules)
    expected = [line + b"\n" for line in lines if selection.takes(stamp + line)]
    chooser = selection.after(stamp)
    text = b"".join(b"\n" + line for line in lines) + b"\n"
    assert chooser.choose(text) == b"\n" + b"".join(expected)
    assert selection.after(stamp) is chooser
    # And by the definition: the last pattern that matches decides.
    for line in lines:
        deciding = [selects for selects, pattern in rules if matches(pattern, stamp + line)]
        assert selection.chooses(stamp + line) == selection.takes(stamp + line)
        assert selection.takes(stamp + line) == (deciding[-1] if deciding else True)
