from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from smarthost.store import spool

if TYPE_CHECKING:
    from pathlib import Path

MODES = {
    ".": 0o750,
    "bounce": 0o700,
    "hold": 0o700,
    "info": 0o700,
    "info/22": 0o700,
    "intd": 0o700,
    "local": 0o700,
    "lock": 0o750,
    "lock/sendmutex": 0o600,
    "lock/tcpto": 0o644,
    "lock/trigger": 0o622,
    "mess": 0o750,
    "mess/0": 0o750,
    "mess/22": 0o750,
    "orders": 0o700,
    "pid": 0o700,
    "remote": 0o700,
    "remote/7": 0o700,
    "todo": 0o750,
    "why": 0o700,
}


def make(home: Path) -> Path:
    spool.make_queue(os.fsencode(home))
    return home / "queue"


def test_a_queue_has_qmails_modes_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        queue = make(tmp_path)
    finally:
        os.umask(before)
    for name, mode in MODES.items():
        assert stat.S_IMODE((queue / name).stat().st_mode) == mode, name
    assert (queue / "lock/trigger").is_fifo()
    assert (queue / "lock/tcpto").read_bytes() == bytes(1024)
    for name in ("mess", "info", "local", "remote"):
        assert sorted(map(int, os.listdir(queue / name))) == list(range(23))
    assert spool.split_of(os.fsencode(queue)) == 23


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    queue = make(tmp_path)
    (queue / "lock/tcpto").write_bytes(b"x")
    (queue / "todo").chmod(0o700)
    (queue / "mess/22").rmdir()  # a queue with another split
    make(tmp_path)
    assert (queue / "lock/tcpto").read_bytes() == b"x"
    assert stat.S_IMODE((queue / "todo").stat().st_mode) == 0o700
    assert spool.split_of(os.fsencode(queue)) == 22


def test_a_queue_that_was_made_in_part_is_finished(tmp_path: Path) -> None:
    queue = make(tmp_path)
    (queue / "lock/tcpto").unlink()
    (queue / "mess/22").rmdir()
    (queue / "remote/0").rmdir()
    make(tmp_path)
    assert (queue / "mess/22").is_dir()
    assert (queue / "remote/0").is_dir()


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        make(tmp_path / "missing")


def fill(pipe: int) -> None:
    try:
        while os.write(pipe, bytes(4096)):
            pass
    except BlockingIOError:
        pass


def test_the_trigger_may_be_missing_and_unread_and_full(tmp_path: Path) -> None:
    queue = make(tmp_path)
    name = os.fsencode(queue)
    spool.pull_trigger(name)  # nobody reads it
    reader = os.open(queue / "lock/trigger", os.O_RDONLY | os.O_NONBLOCK)
    try:
        writer = os.open(queue / "lock/trigger", os.O_WRONLY | os.O_NONBLOCK)
        fill(writer)
        os.close(writer)
        spool.pull_trigger(name)
    finally:
        os.close(reader)
    (queue / "lock/trigger").unlink()
    spool.pull_trigger(name)
