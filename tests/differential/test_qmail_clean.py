"""qmail-clean beside the one that QMAIL_PEER names: its answers, and what it removes.

Not tested: a standard output that takes some answers and then no more.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home
from tests.support.peerhome import peer_in_home
from tests.support.run import TIMEOUT, ours

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = time.time() - 37 * 3600

FILES = ("mess/7/30", "intd/30", "todo/30", "mess/8/31", "intd/31", "pid/young", "pid/old", "info/7/30")


def fill(home: Path) -> None:
    make_home(home)
    for name in FILES:
        (home / "queue" / name).write_bytes(b"")
    os.utime(home / "queue/pid/old", (LONG_AGO, LONG_AGO))
    (home / "queue/intd/32").mkdir()


def run(argv: list[str], home: Path, commands: bytes, *, deaf: bool = False) -> tuple[int, bytes, list[str]]:
    """Status, answers, and what is left."""
    reads, writes = os.pipe()
    if deaf:
        os.close(reads)
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=writes,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "QMAILHOME": str(home)},
    ) as child:
        os.close(writes)
        _, stderr = child.communicate(commands, timeout=TIMEOUT)
    answers = b""
    if not deaf:
        with open(reads, "rb") as pipe:
            answers = pipe.read()
    assert stderr == b""
    left = sorted(name for name in FILES if (home / "queue" / name).exists())
    return child.returncode, answers, left


COMMANDS = {
    "nothing": b"",
    "everything of a message": b"foop/30\0",
    "todo": b"todo/30\0",
    "no such files": b"foop/99\0todo/99\0",
    "a directory in the way": b"foop/32\0todo/32\0",
    "too short": b"foop/\0\0foo\0",
    "another directory": b"mess/30\0info/30\0FOOP/30\0",
    "as long as may be": b"foop/" + b"0" * 92 + b"30\0",
    "too long": b"foop/" + b"0" * 93 + b"30\0" + b"todo/30\0",
    "far too long": b"x" * 1000 + b"\0" + b"todo/30\0",
    "no end": b"todo/30",
    "several": b"todo/30\0foop/31\0x\0foop/30\0",
}


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS)
def test_it_answers_and_removes_the_same(tmp_path: Path, commands: bytes) -> None:
    theirs, mine = tmp_path / "theirs", tmp_path / "ours"
    fill(theirs)
    fill(mine)
    expected = run(peer_in_home("qmail-clean", theirs), theirs, commands)
    assert run([ours("qmail-clean")], mine, commands) == expected


def test_what_is_no_number_has_one_answer(tmp_path: Path) -> None:
    """The original says x for each wrong byte, and then removes what the digits before it name."""
    theirs, mine = tmp_path / "theirs", tmp_path / "ours"
    fill(theirs)
    fill(mine)
    commands = b"foop/30x\0foop/-30\0foop/ 3\0todo/..\0"
    assert run([ours("qmail-clean")], mine, commands)[1:] == (b"xxxx", sorted(set(FILES) - {"pid/old"}))
    assert run(peer_in_home("qmail-clean", theirs), theirs, commands)[1] == b"x+" + b"xx" + b"xx" + b"xxx"


def test_it_looks_into_pid_again(tmp_path: Path) -> None:
    """Before the thirty-second command: what is old then is removed."""
    for name in ("ours", "theirs"):
        fill(tmp_path / name)

    def served(argv: list[str], home: Path, count: int) -> bool:
        (home / "queue/pid/late").unlink(missing_ok=True)
        with subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "QMAILHOME": str(home)},
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"x\0")
            child.stdin.flush()
            assert child.stdout.read(1) == b"x"
            (home / "queue/pid/late").write_bytes(b"")
            os.utime(home / "queue/pid/late", (LONG_AGO, LONG_AGO))
            child.communicate(b"x\0" * count, timeout=TIMEOUT)
        return not (home / "queue/pid/late").exists()

    for name, argv in (
        ("ours", [ours("qmail-clean")]),
        ("theirs", peer_in_home("qmail-clean", tmp_path / "theirs")),
    ):
        assert [served(argv, tmp_path / name, count) for count in (29, 30)] == [False, True], name


def test_nobody_reads(tmp_path: Path) -> None:
    theirs, mine = tmp_path / "theirs", tmp_path / "ours"
    fill(theirs)
    fill(mine)
    expected = run(peer_in_home("qmail-clean", theirs), theirs, b"todo/30\0foop/31\0", deaf=True)
    assert run([ours("qmail-clean")], mine, b"todo/30\0foop/31\0", deaf=True) == expected
    assert expected[0] == 100


@pytest.mark.parametrize("missing", ["queue", "queue/mess"])
def test_there_is_no_queue(tmp_path: Path, missing: str) -> None:
    home = make_home(tmp_path)
    (home / missing).rename(tmp_path / "away")
    assert run([ours("qmail-clean")], home, b"todo/30\0")[:2] == (111, b"")
