"""qmail-qread beside the original, on one queue at the same time.

Not tested: a file that cannot be read although it is there, which root cannot have.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home
from tests.support.peerhome import peer_in_home
from tests.support.queues import add_message, add_todo
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


def ours_in(home: Path) -> Outcome:
    return run([ours("qmail-qread")], env={"QMAILHOME": str(home)})


def same(home: Path) -> Outcome:
    done = ours_in(home)
    assert done == run(peer_in_home("qmail-qread", home))
    return done


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return make_home(tmp_path) / "queue"


def test_an_empty_queue(queue: Path) -> None:
    assert same(queue.parent) == Outcome(0, b"", b"")


def test_messages(queue: Path) -> None:
    for number in range(30):
        add_message(
            queue,
            b"x" * number,
            sender=b"joe%d@example.com" % number,
            local=[b"Tjoe", b"Dann", b"T\x1b[2J\xff~\x7f", b"T", b"Xwhat", b""][: number % 7],
            remote=[b"Tbob@example.org", b"D<a b>@example.org"][: number % 3],
            bounce=b"failed" if number % 4 == 0 else None,
            arrived=86400 * 37 * number,
        )
    add_message(queue, sender=b"\x80 \n", remote=[b"Thalf"])
    add_message(queue, sender=b"", remote=[b"Tx"] * 40_000)
    assert same(queue.parent).stdout.count(b"\n") > 40_000


def test_a_record_without_its_end(queue: Path) -> None:
    number = add_message(queue, local=[b"Tjoe"])
    with open(queue / f"local/{number % 23}/{number}", "ab") as local:
        local.write(b"Thalf")
    assert same(queue.parent).stdout.endswith(b"\tlocal\tjoe\n")


def test_what_was_not_looked_at_yet_is_not_listed(queue: Path) -> None:
    add_todo(queue, b"u1\0p2\0Fjoe\0Tann\0")
    assert same(queue.parent) == Outcome(0, b"", b"")


def test_files_that_are_missing(queue: Path) -> None:
    add_message(queue, local=[b"Tjoe"])
    number = add_message(queue)
    (queue / f"mess/{number % 23}/{number}").unlink()
    (queue / "info/3/notes").touch()
    assert b"warning: trouble with #%d: file does not exist\n" % number in same(queue.parent).stdout


def test_a_recipients_file_that_is_none(queue: Path) -> None:
    number = add_message(queue)
    (queue / f"local/{number % 23}/{number}").mkdir()
    assert same(queue.parent).status == 111


def test_directories_that_are_missing(queue: Path) -> None:
    (queue / "info/5").rmdir()
    assert same(queue.parent).status == 111
    queue.rename(queue.parent / "elsewhere")
    assert same(queue.parent) == Outcome(111, b"fatal: unable to chdir: file does not exist\n", b"")


def test_no_home(tmp_path: Path) -> None:
    done = ours_in(tmp_path / "nowhere")
    assert done == Outcome(111, b"fatal: unable to chdir: file does not exist\n", b"")


def test_a_queue_of_another_split(queue: Path) -> None:
    """The original would have been compiled for it."""
    for part in range(3, 23):
        for name in ("mess", "info", "local", "remote"):
            (queue / name / str(part)).rmdir()
    numbers = [add_message(queue, remote=[b"Tann@example.org"]) for _ in range(5)]
    done = ours_in(queue.parent)
    assert sorted(numbers) == sorted(
        int(line.split(b"#")[1].split()[0]) for line in done.stdout.splitlines() if b"#" in line
    )


def test_the_home_of_the_launcher(queue: Path) -> None:
    add_message(queue, local=[b"Tjoe"])
    os.symlink(ours("qmail-qread"), queue.parent / "bin/qmail-qread")
    assert b"\tlocal\tjoe\n" in run([str(queue.parent / "bin/qmail-qread")], env={}).stdout
