"""options: getopt as the originals have it."""

from __future__ import annotations

import pytest

from smarthost import options
from smarthost.errors import UsageError

CHAIN = options.Chain(
    "prog [ -vq ] [ -c n ] [ -x file ] child", "vq", {"c": options.number(99), "x": options.anything}
)


@pytest.mark.parametrize(
    ("arguments", "given", "rest"),
    [
        ([], [], []),
        ([b"child", b"-v"], [], [b"child", b"-v"]),
        ([b"-vqv", b"child"], [("v", True), ("q", True), ("v", True)], [b"child"]),
        ([b"-vc7", b"-c", b"8", b"child"], [("v", True), ("c", 7), ("c", 8)], [b"child"]),
        ([b"-xfile", b"-x", b"-v"], [("x", b"file"), ("x", b"-v")], []),
        ([b"-x", b"", b"child"], [("x", b"")], [b"child"]),
        ([b"-x\xff\xfe"], [("x", b"\xff\xfe")], []),
        ([b"-v", b"--", b"-q"], [("v", True)], [b"-q"]),
        ([b"-v", b"--anything", b"-q"], [("v", True)], [b"-q"]),
        ([b"-v", b"-", b"-q"], [("v", True)], [b"-", b"-q"]),
        ([b"-c", b"0099"], [("c", 99)], []),
    ],
)
def test_options_come_in_order_and_end_at_the_first_argument(
    arguments: list[bytes], given: list[tuple[str, object]], rest: list[bytes]
) -> None:
    assert CHAIN.parse(arguments) == (given, rest)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([b"-z"], "illegal option -- z"),
        ([b"-vz"], "illegal option -- z"),
        ([b"-c"], "option requires an argument -- c"),
        ([b"-vc"], "option requires an argument -- c"),
        ([b"-c", b"abc"], "option -c: abc: not a whole number"),
        ([b"-c", b""], "option -c: : not a whole number"),
        ([b"-c", b"-1"], "option -c: -1: not a whole number"),
        ([b"-c", b"100"], "option -c: 100: more than 99"),
        ([b"-c", b"0" * 41], f"option -c: {'0' * 41}: more than 99"),
    ],
)
def test_what_makes_no_sense_is_said_above_the_usage_line(arguments: list[bytes], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        CHAIN.parse(arguments)
    assert caught.value.line("prog") == f"prog: {problem}\nprog: usage: {CHAIN.usage}\n"
    assert caught.value.status == 100
