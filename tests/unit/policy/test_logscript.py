"""multilog's arguments."""

from __future__ import annotations

import pytest

from smarthost.policy.logscript import Alert, Directory, Status, number, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"", 0),
        (b"x1", 0),
        (b"12x", 12),
        (b"18446744073709551617", 1),
        (b"9" * 5000, int("9" * 64) % 2**64),
        (b"-1", 0),
    ],
)
def test_number(text: bytes, value: int) -> None:
    assert number(text) == value


def test_what_stands_before_a_directory_counts() -> None:
    script = parse([b"t", b"-*", b"./a", b"s5000", b"n3", b"!gzip", b"+x", b"/b", b"t", b"?", b""])
    first, second = script.sinks
    assert script.stamps
    assert isinstance(first, Directory)
    assert isinstance(second, Directory)
    assert (first.path, first.size, first.files, first.processor) == (b"./a", 99999, 10, None)
    assert (second.path, second.size, second.files, second.processor) == (b"/b", 5000, 3, b"gzip")
    assert [sink.selection.rules for sink in script.sinks] == [
        ((False, b"*"),),
        ((False, b"*"), (True, b"x")),
    ]


def test_stamps_only_if_first() -> None:
    assert not parse([b"./a", b"t"]).stamps
    assert not parse([]).stamps
    assert parse([b"ten"]).stamps


def test_a_line_that_two_alerts_select_is_shown_twice_before_the_next() -> None:
    alert, status = parse([b"e", b"-b", b"e", b"=file"]).sinks
    assert isinstance(alert, Alert)
    assert isinstance(status, Status)
    assert not alert.takes_all
    assert [alert.times(line) for line in (b"a", b"b")] == [2, 1]
    assert alert.choose(b"a\nb\n", b"") == b"a\na\nb\n"
    assert status.choose(b"a\nb\n", b"") == b"a\n"
    assert parse([b"e"]).sinks[0].takes_all
    assert parse([b"-b", b"e"]).sinks[0].choose(b"a\nb\n", b"") == b"a\n"
