"""Which lines of a block go where: whole, in pieces, long and unfinished."""

from __future__ import annotations

import random

import pytest

from smarthost.policy.logscript import parse
from smarthost.policy.router import Router

STAMP = b"@400000003b4a39c23294b13c "


def routed(script: list[bytes], *blocks: bytes, stamp: bytes = b"") -> list[bytes]:
    """What each sink got of the blocks; what is not used comes again before the next, as in multilog."""
    sinks = parse(script).sinks
    router = Router(sinks)
    outputs = [b""] * len(sinks)
    rest = b""
    for block in blocks:
        text = rest + block
        result = router.route(text, stamp, stamp)
        router.accept(result)
        outputs = [old + b"".join(new) for old, new in zip(outputs, result.outputs, strict=True)]
        rest = text[result.used :]
    return [*outputs, rest]


def test_whole_lines_are_used_and_the_rest_is_left() -> None:
    assert routed([b"./a", b"-b*", b"./b"], b"a\nbc\nd") == [b"a\nbc\n", b"a\n", b"d"]
    assert routed([b"./a"], b"") == [b"", b""]
    assert routed([b"./a"], b"a\nb\n", stamp=STAMP) == [STAMP + b"a\n" + STAMP + b"b\n", b""]


def test_a_line_of_a_thousand_bytes_is_known_by_its_head() -> None:
    line = b"x" * 1000 + b"y" * 500
    script = [b"./all", b"-*", b"+*y*", b"./none", b"+*x*", b"e", b"=f", b"./x"]
    expected = [line + b"\nz\n", b"", line[:1000] + b"\n", line[:1000] + b"\n", line + b"\n"]
    assert routed(script, line + b"\nz\n", b"") == [*expected, b""]
    for cut in (999, 1000, 1001, 1500, 1501):
        assert routed(script, (line + b"\nz\n")[:cut], (line + b"\nz\n")[cut:]) == [*expected, b""]
    assert routed([b"./a"], b"x" * 999) == [b"", b"x" * 999]
    assert routed([b"./a"], b"x" * 1000) == [b"x" * 1000, b""]
    assert routed([b"./a"], b"x" * 974, stamp=STAMP) == [STAMP + b"x" * 974, b""]


def test_a_line_keeps_the_stamp_of_its_first_byte() -> None:
    [sink] = parse([b"./a"]).sinks
    router = Router([sink])
    assert b"".join(router.route(b"a\nb\n", b"old ", b"new ").outputs[0]) == b"old a\nnew b\n"
    assert router.route(b"a", b"old ", b"new ").used == 0
    assert b"".join(router.route(b"a" * 1000, b"old ", b"new ").outputs[0]) == b"old " + b"a" * 1000


@pytest.mark.parametrize("stamp", [b"", STAMP])
def test_a_prefix_stands_before_the_lines_of_what_follows_it(stamp: bytes) -> None:
    script = [b"./a", b"pone: ", b"./b", b"e", b"-*:*", b"./c", b"ptwo: ", b"=f"]
    one, two = stamp + b"one: x\n", stamp + b"two: x\n"
    assert routed(script, b"x\n", stamp=stamp) == [stamp + b"x\n", one, one, one, two, b""]
    assert routed(script[:3], b"x\nx\n", stamp=stamp) == [(stamp + b"x\n") * 2, one * 2, b""]


def test_a_prefix_is_no_part_of_what_patterns_see() -> None:
    line = b"x" * 999 + b"y" + b"z" * 500
    outputs = routed([b"pxyz", b"-*", b"+*y*", b"./a", b"=f"], line + b"\n")
    assert outputs == [b"xyz" + line + b"\n", b"xyz" + line[:997] + b"\n", b""]


@pytest.mark.parametrize("seed", range(20))
def test_any_cuts_give_the_same(seed: int) -> None:
    chance = random.Random(seed)
    script = [b"./a", b"-*x*", b"./b", b"e", b"+*y*", b"-z*", b"=f", b"./c"]
    stream = b"".join(
        bytes(chance.choices(b"abxyz", k=chance.choice([0, 3, 50, 970, 999, 1000, 3000]))) + b"\n"
        for _ in range(30)
    )
    cuts = sorted(chance.sample(range(len(stream)), 40))
    blocks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    stamp = STAMP if seed % 2 else b""
    assert routed(script, *blocks, stamp=stamp) == routed(script, stream, stamp=stamp)
