"""multilog's arguments."""

from __future__ import annotations

import pytest

from smarthost.errors import Permanent
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
    assert script.stamps == b"t"
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
    assert parse([b"ten"]).stamps == b"t"


def test_a_line_that_two_alerts_select_is_shown_twice_before_the_next() -> None:
    alert, status = parse([b"e", b"-b", b"e", b"=file"]).sinks
    assert isinstance(alert, Alert)
    assert isinstance(status, Status)
    assert not alert.takes_all
    assert [alert.times(line) for line in (b"a", b"b")] == [2, 1]
    assert alert.choose(b"\na\nb\n", b"") == b"\na\na\nb\n"
    assert alert.choose(b"\n", b"") == b"\n"
    assert status.choose(b"\na\nb\n", b"") == b"\na\n"
    assert parse([b"e"]).sinks[0].takes_all
    assert parse([b"-b", b"e"]).sinks[0].choose(b"\na\nb\n", b"") == b"\na\n"


def keeping(directory: object) -> tuple[object, ...]:
    assert isinstance(directory, Directory)
    return (directory.total, directory.age, directory.processor, directory.background, directory.prefix)


def test_our_own_actions_count_for_what_follows() -> None:
    actions = [b"./a", b"S5000", b"a60", b"bgzip -9", b"pweb: ", b"./b", b"S0", b"a0", b"!cat", b"p", b"./c"]
    first, second, third = parse(actions).sinks
    assert keeping(first) == (0, 0, None, False, b"")
    assert keeping(second) == (5000, 60, b"gzip -9", True, b"web: ")
    assert keeping(third) == (0, 0, b"cat", False, b"")
    assert keeping(parse([b"!cat", b"b", b"./d"]).sinks[0])[2] is None
    assert [sink.prefix for sink in parse([b"e", b"px", b"e", b"=f"]).sinks] == [b"", b"x"]


@pytest.mark.parametrize(
    ("actions", "stamps"),
    [
        ([b"i"], b"i"),
        ([b"t", b"i", b"t"], b"ti"),
        ([b"two", b"i"], b"ti"),
        ([b"i", b"t", b"i"], b"it"),
        ([b"t", b"t", b"i"], b"t"),
        ([b"in", b"t"], b""),
        ([b"./a", b"i"], b""),
        ([b""], b""),
    ],
)
def test_stamps_stand_at_the_beginning(actions: list[bytes], stamps: bytes) -> None:
    assert parse(actions).stamps == stamps


@pytest.mark.parametrize(
    "action", [b"a", b"ax", b"a1s", b"a-1", b"S", b"S1k", b"S" + b"9" * 19, b"a\xb2", b"pa\nb"]
)
def test_what_makes_no_sense_is_refused(action: bytes) -> None:
    with pytest.raises(Permanent):
        parse([action, b"./a"])
