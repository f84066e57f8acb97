"""Tokens of address fields, cut and put together. Expected bytes are what notqmail's programs print."""

from __future__ import annotations

import pytest

from smarthost.formats import token822 as t

A, Q, L, C = t.ATOM, t.QUOTED, t.LITERAL, t.COMMENT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", []),
        (b" \t\r\n", []),
        (b"a.b@c", [(A, b"a"), (t.DOT, b"."), (A, b"b"), (t.AT, b"@"), (A, b"c")]),
        (
            b",<d>:;",
            [
                (t.COMMA, b","),
                (t.LEFT, b"<"),
                (A, b"d"),
                (t.RIGHT, b">"),
                (t.COLON, b":"),
                (t.SEMICOLON, b";"),
            ],
        ),
        (b"(a (b) \\) c)", [(C, b"a b ) c")]),
        (b'"a\\"[(b" [c\\]"d]', [(Q, b'a"[(b'), (L, b'c]"d')]),
        (b"a\\ b", [(A, b"a b")]),
        (b"a]b)c", [(Q, b"a]b)c")]),
        (b"\xe9 \x01 \x7f a\\\\b", [(Q, b"\xe9"), (Q, b"\x01"), (Q, b"\x7f"), (Q, b"a\\b")]),
        (b"a\\", [(A, b"a")]),
        (b'\\"a', [(A, b'"a')]),
        (b'a"b"', [(A, b"a"), (Q, b"b")]),
    ],
)
def test_tokens(text: bytes, words: list[t.Token]) -> None:
    assert t.tokens(text) == words


@pytest.mark.parametrize("text", [b")", b"a ]", b"(", b"(a(b)", b'"a', b"[a", b'"a\\', b"(\\)", b"a (\\"])
def test_brackets_that_do_not_match(text: bytes) -> None:
    with pytest.raises(t.Unreadable) as caught:
        t.tokens(text)
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"To:a", b"To: a\n"),
        (b"To:", b"To:\n"),
        (b"To : a@b (c)<d>", b"To: a@b (c) <d>\n"),
        (b"To:<d>(c)", b"To: <d>(c)\n"),
        (b"To:a b[c]", b"To: a b [c]\n"),
        (b"To:g:a;", b"To: g: a;\n"),
        (b'To: "a\\"b" (\\() [\\[]', b'To: "a\\"b" (\\() [\\[]\n'),
        (b"To: a\\(b", b"To: a\\(b\n"),
        (b"To:a,", b"To: a,\n"),
    ],
)
def test_a_field_put_together_again(text: bytes, field: bytes) -> None:
    assert t.field(t.tokens(text)) == field


def of_length(length: int) -> bytes:
    return b"x" * length


class TestFolding:
    def test_the_first_line_is_not_folded_before_its_first_comma(self) -> None:
        assert t.field(t.tokens(b"To:" + of_length(100) + b",b")) == b"To: " + of_length(100) + b",\n  b\n"

    def test_a_line_as_long_as_the_limit(self) -> None:
        # "To: " and the first comma are 5, ", " is 2, and the fold that is not made counts 2.
        fits = t.LINE_LIMIT - 4 - 2 - 1 - 2
        text = b"To: a," + of_length(fits)
        assert t.field(t.tokens(text)) == b"To: a, " + of_length(fits) + b"\n"
        assert t.field(t.tokens(text + b"x")) == b"To: a,\n  " + of_length(fits + 1) + b"\n"

    def test_later_lines_begin_with_two_blanks_of_which_one_counts(self) -> None:
        long = of_length(60)
        assert (
            t.field(t.tokens(b"To: " + b",".join([long] * 3))) == b"To: " + b",\n  ".join([long] * 3) + b"\n"
        )
        assert t.field(t.tokens(b"To: " + long + b",a,b," + long)) == (
            b"To: " + long + b", a, b,\n  " + long + b"\n"
        )

    def test_a_comma_at_the_end_of_a_full_line(self) -> None:
        full = of_length(t.LINE_LIMIT)
        assert t.field(t.tokens(b"To: " + full + b",")) == b"To: " + full + b",\n \n"


def test_bare() -> None:
    assert t.bare(t.tokens(b'"a b"(c)@[1.2],<d>:;.')) == b"a b@[1.2],<d>:;."
