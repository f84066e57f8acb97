"""TAI64N labels, and whole streams of lines turned into local time."""

from __future__ import annotations

import time

import pytest

from smarthost.formats import tai64

# The two labels with their meaning are from Bernstein's tai64n(8) and cr.yp.to/libtai/tai64.html.
MAN_PAGE = b"@4000000037c219bf2ef02e94"


def utc(seconds: int) -> tuple[int, ...]:
    return tuple(time.gmtime(seconds))[:6]


def localized(*blocks: bytes) -> bytes:
    localizer = tai64.Localizer(utc)
    return b"".join(localizer.feed(block) for block in blocks)


def test_label_is_what_the_manual_shows() -> None:
    assert tai64.moment(MAN_PAGE[1:]) == (935467455 - 10, 787492500)
    assert tai64.label((935467455 - 10) * 10**9 + 787492001) == MAN_PAGE


@pytest.mark.parametrize(
    ("digits", "moment"),
    [
        (b"", (-tai64.EPOCH, 0)),
        (b"f", (-tai64.EPOCH, 15)),
        (b"400000000000000a" + b"f" * 8, (0, 2**32 - 1)),
        (b"deadbeef" + b"400000000000000a" + b"0" * 8, (0, 0)),
        (b"f" * 24, (2**64 - 1 - tai64.EPOCH - 2**64, 2**32 - 1)),
    ],
)
def test_any_number_of_digits_is_shifted_through(digits: bytes, moment: tuple[int, int]) -> None:
    assert tai64.moment(digits) == moment


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
    localizer = tai64.Localizer(utc)
    assert localizer.feed(b"abc") == b"abc"
    assert localizer.feed(b"def") == b"def"
    assert localizer.feed(b"\n" + MAN_PAGE) == b"\n"
    assert localizer.feed(b"") == b""
    assert localizer.feed(b" ") == b"1999-08-24 04:04:05.787492500 "


def test_digits_without_end_take_no_memory() -> None:
    localizer = tai64.Localizer(utc)
    for _ in range(4):
        assert localizer.feed((b"@" if _ == 0 else b"") + b"0" * tai64.HELD_LIMIT) == b""
    assert len(localizer._held) <= tai64.HELD_LIMIT + tai64.LABEL
    assert localizer.feed(MAN_PAGE[1:] + b" x\n") == b"1999-08-24 04:04:05.787492500 x\n"


def test_a_second_that_no_calendar_holds_stays() -> None:
    def localtime(seconds: int) -> tuple[int, ...]:
        raise OverflowError(seconds)

    assert tai64.Localizer(localtime).feed(MAN_PAGE + b" x\n") == MAN_PAGE + b" x\n"


def test_a_year_below_zero_is_printed_as_the_original_prints_it() -> None:
    localizer = tai64.Localizer(lambda _: (-1, 1, 2, 3, 4, 5))
    assert localizer.feed(MAN_PAGE + b" x\n") == b"18446744073709551615-01-02 03:04:05.787492500 x\n"
