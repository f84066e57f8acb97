"""Whoever reads users/cdb finds the old one or the new one, whole, wherever the making of a new one ends."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Temporary
from smarthost.formats import cdb
from smarthost.store import users
from smarthost.unix import files
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from pathlib import Path

OLD = b"=a:old:1:2:/:::\n.\n"
NEW = b"=a:new:1:2:/:::\n.\n"
ORDER = ["create_empty", "sync", "rename", "sync"]
RENAMED = 2
WORDS = [
    "unable to open users/cdb.tmp",
    "unable to write users/cdb.tmp",
    "unable to move users/cdb.tmp to users/cdb",
    "unable to write users",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "users").mkdir()
    (tmp_path / "users/assign").write_bytes(OLD)
    users.compile_assignments(bytes(tmp_path))
    (tmp_path / "users/assign").write_bytes(NEW)
    return tmp_path


def in_use(home: Path) -> bytes:
    with cdb.Reader(files.open_read(bytes(home / "users/cdb"))) as reader:
        return (reader.get(b"!a\0") or b"").split(b"\0")[0]


def test_the_order(home: Path) -> None:
    with stop_at(None) as steps:
        users.compile_assignments(bytes(home))
    assert steps == ORDER
    assert in_use(home) == b"new"


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_stopped_anywhere(home: Path, number: int) -> None:
    with pytest.raises(Stopped), stop_at(number):
        users.compile_assignments(bytes(home))
    assert in_use(home) == (b"new" if number > RENAMED else b"old")
    users.compile_assignments(bytes(home))
    assert in_use(home) == b"new"
    assert not (home / "users/cdb.tmp").exists()


@pytest.mark.parametrize("number", range(len(ORDER)))
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_refused_anywhere(home: Path, number: int, error: int) -> None:
    with pytest.raises(Temporary, match=f"^{WORDS[number]}$"), stop_at(number, error):
        users.compile_assignments(bytes(home))
    assert in_use(home) == (b"new" if number > RENAMED else b"old")
