"""A message that is said to be delivered is on the disk, whole, wherever the delivery ends.

Not tested: what a disk does that reports a sync as done and has not done it. A crash while an mbox is written
leaves a part of the message there, which nothing can prevent; a failure does not.
"""

from __future__ import annotations

import errno
import mailbox
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Deferred
from smarthost.store import maildirdelivery, mboxdelivery
from smarthost.unix import files
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = b"Return-Path: <a@b>\nDelivered-To: c@d\n"
FROM = b"From a@b Thu Jan 01 00:00:00 1970\n"
MESSAGE = b"Subject: x\n\n" + b"some line or other\n" * 10_000
OLD = b"From x@y Thu Jan 01 00:00:00 1970\nold\n\n"
TRUNCATE = ((files, "truncate"),)
ERRORS = [errno.ENOSPC, errno.EIO, errno.EDQUOT]

MAILDIR_ORDER = [
    "create_exclusive",
    *("write", "write", "write"),
    "sync",
    "link",
    "sync",  # new/: the commit point
    "unlink",
]
MAILDIR_LINK = 5
MAILDIR_COMMIT = 6

MBOX_ORDER = ["open_append", "write", "write", "write", "write", "sync"]
NEW_MBOX_ORDER = [*MBOX_ORDER, "sync"]  # its directory, too


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "message").write_bytes(MESSAGE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def to_maildir(home: Path) -> None:
    with open(home / "message", "rb") as message:
        maildirdelivery.deliver(b"./Maildir/", HEAD, message.fileno(), 0)


def to_mbox(home: Path) -> None:
    with open(home / "message", "rb") as message:
        mboxdelivery.deliver(b"./mbox", FROM + HEAD, message.fileno())


def delivered(home: Path) -> int:
    """How many messages a reader finds; each must be whole."""
    found = list((home / "Maildir/new").iterdir())
    for path in found:
        assert path.read_bytes() == HEAD + MESSAGE
    return len(found)


def in_mbox(home: Path) -> list[bytes]:
    """The bodies that a reader finds."""
    box = mailbox.mbox(home / "mbox", create=False)
    try:
        return [message.as_bytes() for message in box]
    finally:
        box.close()


def killed(work: Callable[[], None], number: int, more: tuple[tuple[object, str], ...] = ()) -> None:
    """The kernel ends it at that step: no handler and no `finally` runs."""
    pid = os.fork()
    if not pid:
        try:
            with stop_at(number, more=more):
                work()
        except Stopped:
            os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 9


class TestMaildir:
    def test_the_order(self, home: Path) -> None:
        with stop_at(None) as steps:
            to_maildir(home)
        assert steps == MAILDIR_ORDER
        assert delivered(home) == 1
        assert not os.listdir(home / "Maildir/tmp")

    @pytest.mark.parametrize("number", range(len(MAILDIR_ORDER)))
    def test_killed_anywhere(self, home: Path, number: int) -> None:
        killed(lambda: to_maildir(home), number)
        assert delivered(home) == (number > MAILDIR_LINK)
        to_maildir(home)
        assert delivered(home) == 1 + (number > MAILDIR_LINK)

    @pytest.mark.parametrize("number", range(len(MAILDIR_ORDER)))
    @pytest.mark.parametrize("error", ERRORS)
    def test_refused_anywhere(self, home: Path, number: int, error: int) -> None:
        if number > MAILDIR_COMMIT:
            with stop_at(number, error):
                to_maildir(home)
            assert delivered(home) == 1, "it is tidying"
            return
        with pytest.raises(Deferred, match="Temporary error on maildir delivery"), stop_at(number, error):
            to_maildir(home)
        assert delivered(home) == 0, "what failed is taken back"
        assert not os.listdir(home / "Maildir/tmp")

    def test_it_is_synced_before_it_has_its_name(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: dict[int, int] = {}
        sync, link = files.sync, files.link

        def seen_sync(descriptor: int) -> None:
            sync(descriptor)
            status = os.fstat(descriptor)
            synced[status.st_ino] = status.st_size

        def seen_link(old: bytes, new: bytes) -> None:
            status = os.stat(old)
            assert synced[status.st_ino] == status.st_size == len(HEAD + MESSAGE)
            link(old, new)
            synced.clear()

        monkeypatch.setattr(files, "sync", seen_sync)
        monkeypatch.setattr(files, "link", seen_link)
        to_maildir(home)
        assert (home / "Maildir/new").stat().st_ino in synced

    def test_a_reader_who_is_faster_than_the_sync(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It failed, and the reader has it: it will come once more, and nothing else is touched."""

        def failing(path: bytes) -> None:
            for message in (home / "Maildir/new").iterdir():
                message.rename(home / "Maildir/cur" / message.name)
            raise OSError(errno.EIO, path)

        monkeypatch.setattr(files, "sync_directory", failing)
        with pytest.raises(Deferred):
            to_maildir(home)
        [message] = (home / "Maildir/cur").iterdir()
        assert message.read_bytes() == HEAD + MESSAGE

    def test_a_maildir_that_vanishes(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        link = files.link

        def late(old: bytes, new: bytes) -> None:
            (home / "Maildir/new").rename(home / "Maildir/gone")
            link(old, new)

        monkeypatch.setattr(files, "link", late)
        with pytest.raises(Deferred):
            to_maildir(home)
        assert not os.listdir(home / "Maildir/gone")
        assert not os.listdir(home / "Maildir/tmp")

    def test_names_that_are_taken(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The next is tried, and after three it is given up."""
        create = files.create_exclusive
        taken = 2

        def refused(path: bytes) -> int:
            nonlocal taken
            if taken:
                taken -= 1
                raise FileExistsError(errno.EEXIST, path)
            return create(path)

        monkeypatch.setattr(files, "create_exclusive", refused)
        to_maildir(home)
        assert delivered(home) == 1
        taken = 3
        with pytest.raises(Deferred, match="Temporary error"):
            to_maildir(home)
        assert delivered(home) == 1

    def test_a_name_in_new_is_never_written_over(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(maildirdelivery, "time_ns", lambda: 0)
        to_maildir(home)
        with pytest.raises(Deferred, match="Temporary error"):
            to_maildir(home)
        assert delivered(home) == 1

    def test_a_day_is_not_enough(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A day is a second here, and the message comes through a pipe that stays open."""
        monkeypatch.setattr(maildirdelivery, "DAY", 1)
        reading, writing = os.pipe()
        try:
            with pytest.raises(Deferred, match="Timeout on maildir delivery"):
                maildirdelivery.deliver(b"Maildir", HEAD, reading, 0)
        finally:
            os.close(reading)
            os.close(writing)
        assert delivered(home) == 0
        assert not os.listdir(home / "Maildir/tmp")


class TestMbox:
    def test_the_order(self, home: Path) -> None:
        with stop_at(None, more=TRUNCATE) as steps:
            to_mbox(home)
        assert steps == NEW_MBOX_ORDER
        with stop_at(None, more=TRUNCATE) as steps:
            to_mbox(home)
        assert steps == MBOX_ORDER
        assert in_mbox(home) == [HEAD + MESSAGE] * 2

    @pytest.mark.parametrize("old", [None, OLD])
    @pytest.mark.parametrize("number", range(len(NEW_MBOX_ORDER)))
    @pytest.mark.parametrize("error", ERRORS)
    def test_refused_anywhere(self, home: Path, old: bytes | None, number: int, error: int) -> None:
        """It is cut back to what was there."""
        if old is not None:
            (home / "mbox").write_bytes(old)
            if number == len(MBOX_ORDER):
                return
        with (
            pytest.raises(Deferred, match=r"^Unable to (open|write) \./mbox: .*\. \(#4\.[23]\.[01]\)$"),
            stop_at(number, error),
        ):
            to_mbox(home)
        assert not (home / "mbox").exists() or (home / "mbox").read_bytes() == (old or b"")
        to_mbox(home)
        assert in_mbox(home)[-1] == HEAD + MESSAGE

    @pytest.mark.parametrize("number", range(len(MBOX_ORDER)))
    def test_killed_anywhere(self, home: Path, number: int) -> None:
        """A part may be left. What was there before is whole, and so is what comes next."""
        (home / "mbox").write_bytes(OLD)
        killed(lambda: to_mbox(home), number, TRUNCATE)
        assert (home / "mbox").read_bytes().startswith(OLD)
        to_mbox(home)
        found = in_mbox(home)
        assert b"old\n" in found[0]
        assert found[-1] == HEAD + MESSAGE

    def test_a_message_that_cannot_be_read(self, home: Path) -> None:
        (home / "mbox").write_bytes(OLD)
        descriptor = os.open(home, os.O_RDONLY)
        try:
            with pytest.raises(Deferred, match=r"^Unable to read message: is a directory\. \(#4\.3\.0\)$"):
                mboxdelivery.deliver(b"mbox", FROM, descriptor)
        finally:
            os.close(descriptor)
        assert (home / "mbox").read_bytes() == OLD

    def test_one_that_takes_its_place_meanwhile(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As maildir2mbox does it, under the lock that we wait for."""
        (home / "mbox").write_bytes(OLD)
        lock = files.lock
        waits = 0

        def replaced(descriptor: int) -> None:
            nonlocal waits
            waits += 1
            if waits == 1:
                (home / "new").write_bytes(OLD * 2)
                (home / "new").rename(home / "mbox")
            if waits == 2:
                (home / "mbox").unlink()
            lock(descriptor)

        monkeypatch.setattr(files, "lock", replaced)
        to_mbox(home)
        assert waits == 3
        assert in_mbox(home) == [HEAD + MESSAGE]

    def test_a_lock_that_is_never_let_go(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """30 seconds are one here."""
        with open(home / "mbox", "wb") as held, monkeypatch.context() as hasty:
            hasty.setattr(mboxdelivery, "PATIENCE", 1)
            files.lock(held.fileno())
            with pytest.raises(
                Deferred, match=r"^File has been locked for 30 seconds straight\. \(#4\.3\.0\)$"
            ):
                to_mbox(home)
        assert (home / "mbox").read_bytes() == b""
        to_mbox(home)

    def test_where_there_are_no_locks(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is delivered, and not cut back: another may have written meanwhile."""

        def refused(descriptor: int) -> None:
            raise OSError(errno.ENOLCK, descriptor)

        monkeypatch.setattr(files, "lock", refused)
        to_mbox(home)
        assert in_mbox(home) == [HEAD + MESSAGE]
        with pytest.raises(Deferred), stop_at(2, errno.ENOSPC):
            to_mbox(home)
        assert len((home / "mbox").read_bytes()) > len(FROM + HEAD + MESSAGE) + 1000
