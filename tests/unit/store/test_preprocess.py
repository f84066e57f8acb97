"""A queued message is sorted out.

Not tested here but beside the original: tests/differential/test_qmail_send.py.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.formats.queuefiles import LOCAL, REMOTE, Places
from smarthost.policy.rewrite import Rewriter
from smarthost.store import preprocess
from smarthost.store.preprocess import Prepared
from smarthost.store.queuesteps import Trouble
from smarthost.unix.syncing import Syncers, one_by_one
from tests.support.homes import make_home
from tests.support.sendrig import queue_message
from tests.support.stop_at import stop_at

if TYPE_CHECKING:
    from pathlib import Path

PLACES = Places(23)
REWRITER = Rewriter([b"here"], [], [], b"here")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = make_home(tmp_path)
    monkeypatch.chdir(home / "queue")
    return home


def prepared(number: int) -> Prepared:
    return Prepared(PLACES, number, REWRITER.place, lambda _: None)


def content(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def test_many_recipients(home: Path) -> None:
    """More than are written at once."""
    local = [b"%d@here" % number for number in range(3000)]
    remote = [b"%d@there" % number for number in range(3000)]
    number = queue_message(home, [*local, *remote])
    with stop_at(None) as steps:
        message = prepared(number)
        assert preprocess.sync([message], one_by_one) == [None]
    assert message.channels == [LOCAL, REMOTE]
    assert steps.count("write") > 5
    assert steps[-3:] == ["sync"] * 3, "nothing is written after it was synced"
    assert content(PLACES.recipients(LOCAL, number)) == b"".join(b"T%s\0" % each for each in local)
    assert content(PLACES.recipients(REMOTE, number)) == b"".join(b"T%s\0" % each for each in remote)
    assert content(PLACES.info(number)) == b"Fme@sender.example\0"


@pytest.mark.parametrize("sync_all", [one_by_one, Syncers().sync_all], ids=["one by one", "threads"])
def test_one_that_cannot_be_synced_is_not_safe(
    home: Path, monkeypatch: pytest.MonkeyPatch, sync_all: preprocess.SyncAll
) -> None:
    """The others are."""
    batch = [prepared(queue_message(home, [b"%d@here" % number])) for number in range(20)]
    bad = PLACES.recipients(LOCAL, batch[7].number)
    inode = os.stat(bad).st_ino

    def sync(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("smarthost.unix.files.sync", sync)
    results = preprocess.sync(batch, sync_all)
    trouble = results.pop(7)
    assert isinstance(trouble, Trouble)
    assert trouble.words == b"trouble fsyncing " + bad
    assert results == [None] * 19


def test_nothing_to_sync() -> None:
    assert preprocess.sync([], one_by_one) == []


def test_what_fails_leaves_no_descriptor(home: Path) -> None:
    number = queue_message(home, [b"a@here"])
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Trouble), stop_at(4, errno.ENOSPC):
        prepared(number)
    assert len(os.listdir("/proc/self/fd")) <= before
