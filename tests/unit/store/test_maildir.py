"""A maildir as its reader sees it. Not tested: nothing known."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Temporary
from smarthost.store import maildir

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.5


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / part).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, when: float) -> None:
    path.touch()
    os.utime(path, (when, when))


def test_oldest_first_over_both_directories(box: Path) -> None:
    put(box / "new/b", NOW - 10)
    put(box / "cur/a", NOW - 20)
    put(box / "new/.hidden", NOW - 30)
    assert maildir.waiting((b"new", b"cur"), NOW) == [
        (int(NOW) - 20, b"cur/a"),
        (int(NOW) - 10, b"new/b"),
    ]


def test_this_second_waits_for_the_next_time(box: Path) -> None:
    put(box / "new/late", NOW)
    put(box / "new/early", NOW - 1)
    assert maildir.waiting((b"new",), NOW) == [(int(NOW) - 1, b"new/early")]


def test_a_name_that_leads_nowhere_is_passed_over(box: Path) -> None:
    (box / "new/gone").symlink_to("nowhere")
    assert maildir.waiting((b"new",), NOW) == []


def test_a_missing_directory_is_said(box: Path) -> None:
    (box / "cur").rmdir()
    with pytest.raises(Temporary, match=r"unable to scan \$MAILDIR/cur: file does not exist"):
        maildir.waiting((b"new", b"cur"), NOW)


def test_only_what_nobody_read_for_36_hours_is_removed(box: Path) -> None:
    hours36 = 36 * 3600
    put(box / "tmp/abandoned", NOW - hours36 - 1)
    put(box / "tmp/in-use", NOW - hours36)
    put(box / "tmp/.hidden", 0)
    (box / "tmp/directory").mkdir()
    os.utime(box / "tmp/directory", (0, 0))
    maildir.sweep(NOW)
    assert sorted(path.name for path in (box / "tmp").iterdir()) == [".hidden", "directory", "in-use"]


def test_without_tmp_there_is_nothing_to_sweep(box: Path) -> None:
    (box / "tmp").rmdir()
    maildir.sweep(NOW)


def test_entering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    maildir.enter({b"MAILDIR": os.fsencode(tmp_path)})
    assert os.getcwd() == str(tmp_path)
    with pytest.raises(Temporary, match=r"^MAILDIR not set$"):
        maildir.enter({})
    with pytest.raises(Temporary, match=r"^unable to chdir to nowhere: file does not exist$"):
        maildir.enter({b"MAILDIR": b"nowhere"})
