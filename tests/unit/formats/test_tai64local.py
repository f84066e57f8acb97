"""Whole streams of lines turned into local time."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import tai64, tai64local

if TYPE_CHECKING:
    from collections.abc import Callable

# From Bernstein's tai64n(8).
MAN_PAGE = b"@4000000037c219bf2ef02e94"


def utc(seconds: int) -> tuple[int, ...]:
    return tuple(time.gmtime(seconds))[:6]


def localized(*blocks: bytes) -> bytes:
    localizer = tai64local.Localizer(utc)
    return b"".join(localizer.feed(block) for block in blocks)


LINES = [
    (MAN_PAGE + b" mark", b"1999-08-24 04:04:05.787492500 mark"),
    (b"no label", b"no label"),
    (b"", b""),
    (b" " + MAN_PAGE + b" inside", b" " + MAN_PAGE + b" inside"),
    (MAN_PAGE, b"1999-08-24 04:04:05.787492500"),
    (MAN_PAGE + b"\tno space", b"1999-08-24 04:04:05.787492500\tno space"),
    (MAN_PAGE[:-1] + b"E %s", b"@4000000037c219bf2ef02e9E %s"),
    (b"@", b"@"),
    (b"@zz", b"@zz"),
    (b"@400000000000000affffffff over", b"1970-01-01 00:00:00.4294967295 over"),
    (b"@40000000000000090000000f before", b"1969-12-31 23:59:59.000000015 before"),
]


def test_lines_of_each_kind_whole_and_in_any_two_blocks() -> None:
    stream = b"\n".join(line for line, _ in LINES) + b"\n"
    expected = b"\n".join(text for _, text in LINES) + b"\n"
    assert localized(stream) == expected
    assert localized(*[stream[i : i + 1] for i in range(len(stream))]) == expected
    for cut in range(len(stream)):
        assert localized(stream[:cut], stream[cut:]) == expected


def test_many_labelled_lines_of_several_seconds() -> None:
    stream = b"".join(tai64.label(second * 10**9 // 3) + b" %d%%\n" % second for second in range(50))
    shown = localized(stream).splitlines()
    assert shown[0] == b"1970-01-01 00:00:00.000000500 0%"
    assert shown[49] == b"1970-01-01 00:00:16.333333500 49%"
    assert localized(stream) == localized(stream[:-1], b"\n")
    assert localized(*stream.splitlines(keepends=True)) == localized(stream)


def test_what_can_be_said_is_said_at_once() -> None:
    localizer = tai64local.Localizer(utc)
    assert localizer.feed(b"abc") == b"abc"
    assert localizer.feed(b"def") == b"def"
    assert localizer.feed(b"\n" + MAN_PAGE) == b"\n"
    assert localizer.feed(b"") == b""
    assert localizer.feed(b" ") == b"1999-08-24 04:04:05.787492500 "


def test_digits_without_end_take_no_memory() -> None:
    localizer = tai64local.Localizer(utc)
    for _ in range(4):
        assert localizer.feed((b"@" if _ == 0 else b"") + b"0" * tai64local.HELD_LIMIT) == b""
    assert len(localizer._held) <= tai64local.HELD_LIMIT + tai64.LABEL
    assert localizer.feed(MAN_PAGE[1:] + b" x\n") == b"1999-08-24 04:04:05.787492500 x\n"


def test_a_second_that_no_calendar_holds_stays() -> None:
    def localtime(seconds: int) -> tuple[int, ...]:
        raise OverflowError(seconds)

    assert tai64local.Localizer(localtime).feed(MAN_PAGE + b" x\n") == MAN_PAGE + b" x\n"


def test_a_year_below_zero_is_printed_as_the_original_prints_it() -> None:
    localizer = tai64local.Localizer(lambda _: (-1, 1, 2, 3, 4, 5))
    assert localizer.feed(MAN_PAGE + b" x\n") == b"18446744073709551615-01-02 03:04:05.787492500 x\n"


def one_by_one(stream: bytes, localtime: Callable[[int], tuple[int, ...]]) -> bytes:
    localizer = tai64local.Localizer(localtime)
    return b"".join(localizer._one(line) for line in stream.splitlines(keepends=True))


def leaping(seconds: int) -> tuple[int, ...]:
    """A zone with an odd offset, whose clocks are put forward, put back, and stand still for a second."""
    shift = 17 + (3600 if 5000 <= seconds < 9000 else 0)
    shown = utc(seconds + shift - (seconds >= 12_000))
    return (*shown[:5], 60) if seconds == 12_000 else shown


@pytest.mark.parametrize("localtime", [utc, leaping])
@pytest.mark.parametrize("step", [0.01, 0.3, 1, 7, 899, 900, 86_401])
@pytest.mark.parametrize("order", ["forward", "back", "any"])
def test_blocks_are_as_their_lines(
    localtime: Callable[[int], tuple[int, ...]], step: float, order: str
) -> None:
    moments = [int(number * step * 10**9) + 123_456_789 for number in range(1500)]
    if order == "back":
        moments.reverse()
    elif order == "any":
        random.Random(1).shuffle(moments)
    stream = b"".join(tai64.label(moment) + b" line\n" for moment in moments)
    localizer = tai64local.Localizer(localtime)
    assert localizer._regular(stream) == one_by_one(stream, localtime)


def test_labels_of_any_age_beside_each_other() -> None:
    """A year of five digits, one of three, ten digits of nanoseconds, and seconds of two ages."""
    for label in (
        b"@40000100deadbeef00000000",
        b"@3ffffff800000000000fffff",
        b"@400000003b4a39c23b9aca00",
        b"@40000001000000000000ffff",
    ):
        stream = MAN_PAGE + b" x\n" + label + b" y\n"
        assert localized(stream) == one_by_one(stream, utc)
