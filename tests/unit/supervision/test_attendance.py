"""supervise/ as others may have left it.

Not tested: a disk that is full; tests/e2e/test_supervision_faults.py has one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import lastchild, status
from smarthost.supervision.attendance import Attendance, Unable, open_home
from smarthost.unix import procs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOT = procs.boot_id()
RECORD = lastchild.pack(lastchild.LastChild(lastchild.RUN, 1, 1, BOOT))


@pytest.fixture
def attendance(tmp_path: Path) -> Iterator[Attendance]:
    made = Attendance("S", lambda: open_home(bytes(tmp_path)))
    yield made
    made.let_go()


def test_a_record_of_our_own_is_believed(attendance: Attendance, tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    (tmp_path / "supervise/child").write_bytes(RECORD)
    (tmp_path / "supervise/child").chmod(0o600)
    attendance.take()
    last = attendance.last_child(BOOT)
    assert last is not None
    assert last.pid == 1
    assert attendance.last_child(b"another") is None


@pytest.mark.parametrize("how", ["mode", "link", "symlink"])
def test_a_record_that_others_could_have_written_is_not(
    attendance: Attendance, tmp_path: Path, how: str
) -> None:
    (tmp_path / "supervise").mkdir()
    child, elsewhere = tmp_path / "supervise/child", tmp_path / "elsewhere"
    elsewhere.write_bytes(RECORD)
    elsewhere.chmod(0o600)
    if how == "symlink":
        child.symlink_to(elsewhere)
    elif how == "link":
        child.hardlink_to(elsewhere)
    else:
        child.write_bytes(RECORD)
        child.chmod(0o620)
    attendance.take()
    assert attendance.last_child(BOOT) is None
    assert attendance.note(lastchild.NONE, BOOT) == ""
    assert elsewhere.read_bytes() == RECORD
    assert child.stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed_to_write(attendance: Attendance, tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "supervise/status.new").symlink_to("../precious")
    (tmp_path / "supervise/status").symlink_to("../precious")
    attendance.take()
    problem = attendance.publish(status.Status(0, 0, 0))
    assert problem == "unable to open S/supervise/status.new: symbolic link loop"
    assert (tmp_path / "precious").read_text() == "precious"


def test_only_one_has_it(attendance: Attendance, tmp_path: Path) -> None:
    attendance.take()
    attendance.attend()
    assert attendance.held
    other = Attendance("S", lambda: open_home(bytes(tmp_path)))
    with pytest.raises(Unable, match="unable to acquire S/supervise/lock: temporary failure"):
        other.take()
    attendance.let_go()
    assert not attendance.held
    other.take()
    other.let_go()


def test_letters_come_one_by_one(attendance: Attendance, tmp_path: Path) -> None:
    attendance.take()
    writer = os.open(tmp_path / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, b"dx")
    os.close(writer)
    assert [attendance.letter() for _ in range(3)] == [b"d", b"x", b""]
