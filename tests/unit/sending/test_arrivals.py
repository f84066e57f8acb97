"""When qmail-send looks for new messages, by a clock that a test turns; and when it sweeps.

Not tested here: the trigger, which tests/differential/test_qmail_send.py pulls.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import pytest

from smarthost.formats.queuefiles import LOCAL, Places
from smarthost.policy.rewrite import Rewriter
from smarthost.sending import arrivals, desk, ends
from smarthost.sending.arrivals import Arrivals
from smarthost.sending.desk import Desk
from smarthost.sending.ends import Sweep
from smarthost.unix.syncing import one_by_one
from tests.support.homes import make_home
from tests.support.sendrig import queue_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1_000_000_000


class Room:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.paused: list[int] = []
        self.said = b""
        self.cleaned: list[bytes] = []
        self.looks = 0
        self.desk = Desk(Places(23), Rewriter([b"here"], [], [], b"here"), 604800, self.paused.append)
        self.desk.now = START
        self.arrivals = Arrivals(self.desk, one_by_one, self.look, lambda _: None)

    def look(self) -> None:
        self.looks += 1

    def clean(self, path: bytes) -> bool:
        self.cleaned.append(path)
        if path.startswith(b"todo/"):
            os.unlink(path)
        return True

    def say(self, line: bytes) -> None:
        self.said += line


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    home = make_home(tmp_path)
    monkeypatch.chdir(home / "queue")
    for module in (desk, arrivals, ends):
        monkeypatch.setattr(module, "clock", lambda: START)
    room = Room(home)
    monkeypatch.setattr(Desk, "clean", lambda _, path: room.clean(path))
    monkeypatch.setattr(Desk, "say", lambda _, line: room.say(line))
    yield room
    room.arrivals.close()


def steps(room: Room, *, pulled: bool = False) -> None:
    """Until there is nothing to do at this time."""
    room.arrivals.step(pulled=pulled)
    while room.arrivals.is_looking:
        room.arrivals.step(pulled=False)


def test_it_looks_at_the_start_and_every_25_minutes(room: Room) -> None:
    steps(room)
    assert (room.looks, room.arrivals.next_look) == (1, START + 1500)
    queue_message(room.home, [b"a@here"])
    room.desk.now = START + 1499
    steps(room)
    assert (room.looks, len(room.desk.waiting[LOCAL])) == (1, 0)
    room.desk.now = START + 1500
    steps(room)
    assert (room.looks, len(room.desk.waiting[LOCAL])) == (2, 1)
    steps(room, pulled=True)
    assert room.looks == 3


def test_more_than_are_taken_in_at_once(room: Room) -> None:
    for number in range(2 * arrivals.BATCH + 1):
        queue_message(room.home, [b"%d@here" % number])
    room.arrivals.step(pulled=False)
    assert len(room.desk.waiting[LOCAL]) == arrivals.BATCH
    steps(room)
    assert len(room.desk.waiting[LOCAL]) == 2 * arrivals.BATCH + 1
    assert os.listdir("todo") == []


def test_fewer_descriptors_than_a_batch_needs(room: Room) -> None:
    """As with softlimit -o: what finds none is taken in after the others, and not only at the next look."""
    for number in range(arrivals.BATCH):
        queue_message(room.home, [b"%d@here" % number])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 12, hard))
        steps(room)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(room.desk.waiting[LOCAL]) == arrivals.BATCH
    assert b"unable" not in room.said


def test_nothing_new_when_it_is_to_end(room: Room) -> None:
    queue_message(room.home, [b"a@here"])
    room.desk.closing = True
    room.arrivals.step(pulled=True)
    assert room.looks == 0


def test_a_directory_that_cannot_be_read_is_tried_again(room: Room) -> None:
    os.rename("todo", "away")
    room.arrivals.step(pulled=False)
    assert room.said == b"alert: unable to opendir todo, sleeping...\n"
    assert room.paused == [10]
    os.rename("away", "todo")
    steps(room)
    assert room.arrivals.next_look == START + 1500


def test_the_start_waits_for_a_directory(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    os.rename("info/3", "away")

    def pause(seconds: int) -> None:
        room.paused.append(seconds)
        os.rename("away", "info/3")

    monkeypatch.setattr(room.desk, "pause", pause)
    room.desk.take_up_all()
    assert room.said == b"alert: unable to opendir info/3, sleeping...\n"
    assert room.paused == [10]


def test_the_sweep_comes_back(room: Room) -> None:
    number = queue_message(room.home, [b"a@here"])
    os.unlink(f"todo/{number}")
    mess = f"mess/{number % 23}/{number}"
    sweep = Sweep(room.desk)

    def swept(age: int) -> list[bytes]:
        room.cleaned.clear()
        os.utime(mess, (room.desk.now - age, 0))
        sweep.step()
        while sweep.next_time == 0:
            sweep.step()
        return room.cleaned

    assert swept(129600) == []
    assert sweep.next_time == START + 76431
    room.desk.now += 76430
    sweep.step()
    assert sweep.next_time == START + 76431
    room.desk.now += 1
    assert swept(129601) == [b"foop/%d" % number]
    for name in (f"todo/{number}", f"info/{number % 23}/{number}"):
        with open(name, "wb"):
            pass
        room.desk.now += 76431
        assert swept(129601) == [], name
        os.unlink(name)


def test_a_message_that_cannot_be_looked_at_is_looked_at_later(room: Room) -> None:
    path = "local/20/457"
    with open("info/20/457", "wb"):
        pass
    os.symlink("457", path)
    room.desk.take_up(457)
    assert room.said == b"warning: unable to stat local/20/457; will try again later\n"
    assert list(room.desk.unsure) == [(457, START + 123)]
