"""qmail-queue beside the one that QMAIL_PEER names: what lies in the queue, byte for byte, and every status.

Not tested: the day's end by the clock (a SIGALRM stands for it), a crash of the interpreter, and the
accounts alias, qmaild and qmails, which a test has no right to make.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.homes import make_home, queued
from tests.support.peerhome import peer_in_home
from tests.support.run import TIMEOUT, ours
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = b"Subject: test\n\nhello\n\0\xff\r\nno newline at the end"
ENVELOPE = b"Fme@example.org\0Tyou@example.org\0Tthem@example.net\0\0"

PID_AND_DATE = re.compile(rb"\(qmail \d+ invoked (.*)\); \d+ \w{3} \d{4} \d\d:\d\d:\d\d -0000\n", re.ASCII)


class Side:
    def __init__(self, argv: list[str], home: Path) -> None:
        self.argv = argv
        self.home = home

    def start(self, message: int, envelope: int) -> subprocess.Popen[bytes]:
        env = {"PATH": os.environ["PATH"], "QMAILHOME": str(self.home)}
        # The envelope is read from descriptor 1, which nothing here writes to.
        return subprocess.Popen(
            self.argv, stdin=message, stdout=envelope, stderr=subprocess.PIPE, env=env, umask=0o077
        )

    def run(self, message: bytes, envelope: bytes) -> tuple[int, bytes]:
        """Status and stderr."""
        (self.home / "message").write_bytes(message)
        (self.home / "envelope").write_bytes(envelope)
        with (
            open(self.home / "message", "rb") as first,
            open(self.home / "envelope", "rb") as second,
            self.start(first.fileno(), second.fileno()) as child,
        ):
            _, stderr = child.communicate(timeout=TIMEOUT)
        return child.returncode, stderr

    def left(self) -> dict[str, tuple[bytes, int]]:
        """What is in the queue and its modes, with numbers and pids named."""
        found = {}
        for name, content in queued(self.home).items():
            directory, number = name.rsplit("/", 1)
            if directory.startswith("mess/"):
                assert directory == f"mess/{int(number) % 23}"
                assert os.stat(self.home / "queue" / name).st_ino == int(number)
                directory = "mess/D"
                named = PID_AND_DATE.sub(rb"(qmail PID invoked \1); DATE\n", content, count=1)
            else:
                named = re.sub(rb"\0p\d+\0", b"\0pPID\0", content, count=1)
            mode = os.stat(self.home / "queue" / name).st_mode
            found[f"{directory}/N"] = (named, mode)
        return found

    def waits_for_more(self) -> bool:
        """Whether a message has its place, and its first name no more."""
        return not any((self.home / "queue/pid").iterdir()) and any(self.home.glob("queue/mess/*/*"))

    @contextmanager
    def reading(self, envelope: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """One that waits for more of the message. With the block ends the message, and its end is waited for."""
        read, write = os.pipe()
        with self.start(read, read if envelope is None else envelope) as child:
            os.close(read)
            try:
                eventually(self.waits_for_more, "the message")
                yield child
            finally:
                os.close(write)
                child.wait(TIMEOUT)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Side, Side]:
    theirs, mine = make_home(tmp_path / "theirs"), make_home(tmp_path / "ours")
    return Side(peer_in_home("qmail-queue", theirs), theirs), Side([ours("qmail-queue")], mine)


@pytest.mark.parametrize(
    ("message", "envelope"),
    [
        (MESSAGE, ENVELOPE),
        (b"", b"F\0\0"),
        (b"x" * 300_000, b"F" + b"s" * 1002 + b"\0T" + b"r" * 1002 + b"\0\0"),
        (MESSAGE, ENVELOPE + b"Tnot read\0\0"),
        (MESSAGE, b"Fs\0" + b"".join(b"T%d@example.org\0" % number for number in range(5000)) + b"\0"),
        (MESSAGE, b"F\nodd\xff\0T\n\0T\0\0"),
    ],
)
def test_queued(both: tuple[Side, Side], message: bytes, envelope: bytes) -> None:
    outcomes = [side.run(message, envelope) for side in both]
    assert outcomes == [(0, b"")] * 2
    theirs, mine = (side.left() for side in both)
    assert mine == theirs
    assert len(mine) == 3


@pytest.mark.parametrize(
    ("envelope", "status"),
    [
        (b"", 54),
        (b"F", 54),
        (b"Fs", 54),
        (b"Fs\0", 54),
        (b"Fs\0Tr", 54),
        (b"Fs\0Tr\0", 54),
        (b"Ts\0\0", 91),
        (b"\0", 91),
        (b"Fs\0Fr\0\0", 91),
        (b"Fs\0Tr\0x", 91),
        (b"F" + b"s" * 1003 + b"\0\0", 11),
        (b"Fs\0T" + b"r" * 1003 + b"\0\0", 11),
        (b"Fs\0T" + b"r" * 100_000, 11),
        (b"F" + b"s" * 1003, 11),
    ],
)
def test_refused(both: tuple[Side, Side], envelope: bytes, status: int) -> None:
    outcomes = [side.run(MESSAGE, envelope) for side in both]
    assert outcomes == [(status, b"")] * 2
    assert queued(both[1].home) == {}, "ours takes back what it began"
    if status == 54:
        assert queued(both[0].home) == {}


@pytest.mark.parametrize(
    ("missing", "status"),
    [(".", 61), ("queue", 62), ("queue/pid", 63), ("queue/mess", 64), ("queue/intd", 65), ("queue/todo", 66)],
)
def test_a_directory_is_missing(both: tuple[Side, Side], missing: str, status: int) -> None:
    theirs, mine = both
    if missing != ".":
        for side in both:
            (side.home / missing).rename(side.home / "away")
        assert theirs.run(MESSAGE, ENVELOPE) == (status, b"")
        assert mine.run(MESSAGE, ENVELOPE) == (status, b"")
        assert queued(mine.home) == {}
        return
    with open(os.devnull, "rb") as null:
        mine.home = mine.home / "missing"
        with mine.start(null.fileno(), null.fileno()) as child:
            assert child.communicate(timeout=TIMEOUT)[1] == b""
        assert child.returncode == status


def test_a_message_that_cannot_be_read(both: tuple[Side, Side]) -> None:
    for side in both:
        with open(side.home / "unreadable", "wb") as file, side.start(file.fileno(), file.fileno()) as child:
            child.communicate(timeout=TIMEOUT)
        assert child.returncode == 54
        assert queued(side.home) == {}


@pytest.mark.slow
def test_the_trigger_is_pulled_once(both: tuple[Side, Side]) -> None:
    for side in both:
        trigger = os.open(side.home / "queue/lock/trigger", os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert side.run(MESSAGE, b"x")[0] == 91
            assert os.read(trigger, 10) == b""
            assert side.run(MESSAGE, ENVELOPE)[0] == 0
            assert os.read(trigger, 10) == b"\0"
        finally:
            os.close(trigger)


def test_no_trigger_no_trouble(both: tuple[Side, Side]) -> None:
    for side in both:
        (side.home / "queue/lock/trigger").unlink()
        assert side.run(MESSAGE, ENVELOPE)[0] == 0


def test_the_day_ends(both: tuple[Side, Side]) -> None:
    """52, and what is there stays for qmail-send to sweep."""
    for side in both:
        with side.reading() as child:
            if side is both[0]:  # it runs below the shell that mounted its home
                assert processes.children(child.pid) == []
            child.send_signal(signal.SIGALRM)
            child.wait(TIMEOUT)
        assert child.returncode == 52
        assert [name.split("/")[0] for name in queued(side.home)] == ["mess"]


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE])
def test_it_is_deaf_to(both: tuple[Side, Side], signum: int) -> None:
    for side in both:
        with open(os.devnull, "rb") as null, side.reading(null.fileno()) as child:
            child.send_signal(signum)
        assert child.returncode == 54


@pytest.mark.slow
def test_a_queue_with_another_split(both: tuple[Side, Side]) -> None:
    side = both[1]
    for number in range(5, 23):
        (side.home / "queue/mess" / str(number)).rmdir()
    assert side.run(MESSAGE, ENVELOPE) == (0, b"")
    [todo] = os.listdir(side.home / "queue/todo")
    assert (side.home / f"queue/mess/{int(todo) % 5}/{todo}").exists()
