"""qmail-send's commands as the spawners read them. Not tested: memory that runs out."""

from __future__ import annotations

import pytest

from smarthost.formats import spawn
from smarthost.formats.spawn import Command, Commands
from tests.support.arrivals import arrivals

STREAM = b"\x000/12\0joe@a\0ann@b\0\x7722/1\0\0x\0\x05cut"


def plain(command: Command) -> tuple[int, bytes, bytes, bytes, bool]:
    return command.number, command.file, command.sender, command.recipient, command.whole


def test_however_it_arrives() -> None:
    for pieces in arrivals(STREAM):
        commands = Commands()
        found = [plain(command) for piece in pieces for command in commands.feed(piece)]
        assert found == [(0, b"0/12", b"joe@a", b"ann@b", True), (0x77, b"22/1", b"", b"x", True)]


def test_a_number_may_be_any_byte() -> None:
    for number in range(256):
        [command] = Commands().feed(bytes((number,)) + b"1\0\0\0")
        assert command.number == number


@pytest.mark.parametrize(("size", "whole"), [(spawn.FIELD_LIMIT, True), (spawn.FIELD_LIMIT + 1, False)])
def test_a_field_is_bounded(size: int, whole: bool) -> None:
    commands = Commands()
    for piece in (b"\x011\0", *[b"x"] * 3, b"x" * (size - 3)):
        assert not commands.feed(piece)
    [command, after] = commands.feed(b"\0y@z\0\x022\0\0y@z\0")
    assert (command.number, command.recipient, command.whole) == (1, b"y@z", whole)
    assert after.whole


@pytest.mark.parametrize(
    ("file", "recipient", "problem"),
    [
        (b"1", b"a@b", None),
        (b"0/1//2/", b"a@b", None),
        (b"1" * 99, b"@", None),
        (b"1" * 100, b"a@b", spawn.FILE_TOO_LONG),
        (b"", b"a@b", spawn.FILE_TOO_SHORT),
        (b"/1", b"a@b", spawn.FILE_NOT_NUMERIC),
        (b"1/../2", b"a@b", spawn.FILE_NOT_NUMERIC),
        (b"x" * 200, b"a@b", spawn.FILE_NOT_NUMERIC),
        (b"1", b"ab", spawn.NO_HOST),
        (b"1", b"", spawn.NO_HOST),
    ],
)
def test_what_is_refused(file: bytes, recipient: bytes, problem: bytes | None) -> None:
    assert Command(0, file, b"", recipient).problem() == problem


def test_a_report_ends_at_its_first_zero_byte() -> None:
    assert spawn.report(7, b"Kdid 1+0+0\n") == b"\x07Kdid 1+0+0\n\0"
    assert spawn.report(0, b"Dno\0hidden") == b"\0Dno\0"
