"""maildirwatch on a maildir. Not tested: the half minute, which nobody wants to wait for."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import maildirwatch
from tests.support.run import TIMEOUT, Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = b"\033[;H\033[;J"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / part).mkdir()
    return tmp_path


def put(path: Path, subject: str, when: int) -> None:
    path.write_text(f"Subject: {subject}\n\n")
    os.utime(path, (when, when))


def read_until(stream: int, end: bytes) -> bytes:
    seen = b""
    while not seen.endswith(end):
        block = os.read(stream, 65536)
        assert block, seen
        seen += block
    return seen


def test_a_screen_of_new_mail_oldest_first(box: Path) -> None:
    put(box / "new/b", "second", 2)
    put(box / "new/a", "first", 1)
    put(box / "cur/c", "read already", 3)
    reading, writing = os.pipe()
    watching = subprocess.Popen(
        # Who runs the tests in the background may have SIGINT ignored.
        ["env", "--default-signal=INT", ours("maildirwatch")],
        env={**os.environ, "MAILDIR": str(box)},
        stdout=writing,
    )
    os.close(writing)
    try:
        assert read_until(reading, b"second//\n\n") == (
            CLEAR + b"FROM ? TO <?>\nfirst//\n\nFROM ? TO <?>\nsecond//\n\n"
        )
    finally:
        watching.send_signal(signal.SIGINT)
        assert watching.wait(TIMEOUT) == -signal.SIGINT
        os.close(reading)


def test_every_screen_is_new(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        put(box / "new/a", "new mail", 1)
        if len(slept) == 2:
            raise TimeoutError

    monkeypatch.chdir(box)
    monkeypatch.setenv("MAILDIR", str(box))
    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("smarthost.unix.files.write_all", lambda _, data: written.append(data))
    monkeypatch.setattr("smarthost.unix.signals.uncatch", lambda _: None)
    with pytest.raises(TimeoutError):
        maildirwatch.body([])
    assert written == [CLEAR, CLEAR + b"FROM ? TO <?>\nnew mail//\n\n"]
    assert slept == [30, 30]


def test_a_closed_window_ends_it(box: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    watching = subprocess.Popen(
        [ours("maildirwatch")], env={**os.environ, "MAILDIR": str(box)}, stdout=writing
    )
    os.close(writing)
    assert watching.wait(TIMEOUT) == -signal.SIGPIPE


def test_a_message_that_cannot_be_read(box: Path) -> None:
    (box / "new/directory").mkdir()
    os.utime(box / "new/directory", (1, 1))
    done = run([ours("maildirwatch")], env={"MAILDIR": str(box)})
    assert done == Outcome(111, b"", b"maildirwatch: fatal: trouble reading new message\n")


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({}, b"MAILDIR not set"),
        ({"MAILDIR": "/nowhere"}, b"unable to chdir to /nowhere: file does not exist"),
        ({"MAILDIR": "/proc/sys"}, b"unable to scan $MAILDIR/new: file does not exist"),
    ],
)
def test_no_maildir(env: dict[str, str], reason: bytes) -> None:
    assert run([ours("maildirwatch")], env=env) == Outcome(
        111, b"", b"maildirwatch: fatal: " + reason + b"\n"
    )
