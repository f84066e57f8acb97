"""The processor in the background: its order, its failures, and that it is never in the way."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from smarthost.policy.logscript import Directory, parse
from smarthost.store.background import AGAIN, WORKING, WORKSTATE, Background
from smarthost.store.oldfiles import OldFiles
from tests.support import processes
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND, THIRD = ("@4000000000000000" + 8 * digit for digit in "123")


class Worked:
    """A background with a clock that is set by hand."""

    def __init__(self, command: bytes) -> None:
        self.now = time.time_ns()
        self.said: list[str] = []
        [order] = parse([b"n10", b"./main"]).sinks
        assert isinstance(order, Directory)
        old = OldFiles(order, lambda: self.now, self.said.append)
        self.background = Background(command, old, lambda: self.now, self.said.append)

    def until_idle(self) -> None:
        def idle() -> bool:
            self.background.tend(self.now)
            return not self.background.is_busy

        eventually(idle, "the processor")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in ((SECOND, "two\n"), (FIRST, "one\n")):
        (tmp_path / f"{name}.w").write_text(text)
    return tmp_path


def old_files(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in place.glob("@*")}


def test_the_oldest_first_and_the_state_goes_from_one_to_the_next(place: Path) -> None:
    worked = Worked(b"cat; cat <&4; echo state >&5")
    worked.background.resume()
    worked.until_idle()
    assert old_files(place) == {f"{FIRST}.s": "one\n", f"{SECOND}.s": "two\nstate\n"}
    assert {path.name for path in place.iterdir()} == {f"{FIRST}.s", f"{SECOND}.s", "state"}
    assert (place / f"{FIRST}.s").stat().st_mode & 0o777 == 0o744
    assert worked.said == []
    assert worked.background.due is None


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (b"exit 3", "processor failed in ./main, trying again"),
        (b"kill -9 $$", "processor crashed in ./main, trying again: signal 9"),
    ],
)
def test_what_fails_is_tried_again_in_five_seconds(place: Path, failure: bytes, said: str) -> None:
    worked = Worked(b"test -e ok || { echo half; " + failure + b"; }; cat")
    worked.background.resume()
    worked.until_idle()
    assert worked.said == [said]
    assert worked.background.due == worked.now + AGAIN
    assert old_files(place) == {f"{FIRST}.w": "one\n", f"{SECOND}.w": "two\n"}
    (place / "ok").touch()
    worked.now += AGAIN - 1
    worked.background.tend(worked.now)
    assert not worked.background.is_busy
    worked.now += 1
    worked.background.tend(worked.now)
    worked.until_idle()
    assert old_files(place) == {f"{FIRST}.s": "one\n", f"{SECOND}.s": "two\n"}


def test_what_cannot_begin_is_tried_again(place: Path) -> None:
    (place / "workstate").mkdir()
    worked = Worked(b"cat")
    worked.background.resume()
    assert not worked.background.is_busy
    assert worked.said == ["unable to start processor in ./main: is a directory"]
    assert worked.background.due == worked.now + AGAIN


def test_a_file_that_has_to_go_meanwhile_does_not_come_back(place: Path) -> None:
    worked = Worked(b"until test -e go; do sleep 0.01; done; cat")
    worked.background.resume()
    (place / f"{FIRST}.w").unlink()
    (place / "go").touch()
    worked.until_idle()
    assert old_files(place) == {f"{SECOND}.s": "two\n"}


def test_leftovers_of_a_kill(place: Path) -> None:
    """Half a result, and a result whose file was not removed yet."""
    for name in (WORKING, WORKSTATE):
        (place / os.fsdecode(name)).write_text("half")
    (place / f"{FIRST}.s").write_text("ONE\n")
    worked = Worked(b"tr a-z A-Z")
    worked.background.resume()
    worked.until_idle()
    assert old_files(place) == {f"{FIRST}.s": "ONE\n", f"{SECOND}.s": "TWO\n"}


def test_the_end_takes_the_processor_and_whom_it_started_along(place: Path) -> None:
    worked = Worked(b"sleep 1000 & echo $! >pid.new; trap '' TERM; mv pid.new pid; wait; wait")
    worked.background.resume()
    eventually((place / "pid").exists, "the processor")
    started = int((place / "pid").read_text())
    worked.background.end()
    assert not worked.background.is_busy
    eventually(lambda: processes.ended(started), "the end of what the processor started")
    assert set(old_files(place)) == {f"{FIRST}.w", f"{SECOND}.w"}


def test_a_child_holds_no_lock_and_no_input(place: Path) -> None:
    lock = os.open("lock", os.O_RDWR | os.O_CREAT)
    try:
        worked = Worked(b"ls -l /proc/$PPID/fd >fds; ls -l /proc/self/fd >own; cat")
        worked.background.resume()
        worked.until_idle()
    finally:
        os.close(lock)
    for listed in ("fds", "own"):
        words = (place / listed).read_text()
        assert "/lock\n" not in words
        places = {line.split(" -> ")[0].split()[-1] for line in words.splitlines() if " -> " in line}
        assert {"0", "1", "2", "4", "5"} <= places
        assert len(places) <= 7
