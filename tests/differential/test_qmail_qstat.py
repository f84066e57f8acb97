"""qmail-qstat beside the original. Not tested: a name with a newline, listed under Differs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import qmail_qstat
from tests.support.homes import make_home
from tests.support.peerhome import peer_in_home
from tests.support.queues import add_message, add_todo
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return make_home(tmp_path) / "queue"


def ours_in(home: Path) -> Outcome:
    return run([ours("qmail-qstat")], env={"QMAILHOME": str(home)})


def same(home: Path) -> Outcome:
    done = ours_in(home)
    assert done == run(peer_in_home("qmail-qstat", home))
    return done


def test_an_empty_queue(queue: Path) -> None:
    assert same(queue.parent).stdout == (
        b"messages in queue: 0\nmessages in queue but not yet preprocessed: 0\n"
    )


def test_messages(queue: Path) -> None:
    for _ in range(25):
        add_message(queue)
    add_todo(queue, b"u1\0p2\0Fjoe\0Tann\0")
    assert same(queue.parent).stdout == (
        b"messages in queue: 26\nmessages in queue but not yet preprocessed: 1\n"
    )


def test_whatever_is_a_file_counts(queue: Path) -> None:
    (queue / "mess/5/deeper").mkdir()
    for name in ("mess/5/deeper/a", "mess/5/.hidden", "mess/.hidden", "mess/note", "todo/.hidden"):
        (queue / name).touch()
    (queue / "mess/6/link").symlink_to("../note")
    (queue / "todo/link").symlink_to("../mess")
    os.mkfifo(queue / "mess/7/fifo")
    same(queue.parent)


def test_a_queue_that_is_not_there(tmp_path: Path) -> None:
    assert ours_in(tmp_path) == Outcome(
        111,
        b"",
        b"qmail-qstat: fatal: unable to read %s/queue/mess: file does not exist\n" % os.fsencode(tmp_path),
    )


def test_a_directory_that_vanishes_meanwhile(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir
    add_message(queue)

    def vanishing(path: bytes) -> object:
        if path.endswith(b"/5"):
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert qmail_qstat.count(os.fsencode(queue / "mess")) <= 1
