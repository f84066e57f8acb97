"""A message is in the queue whole, or it is not there, wherever its queueing ends.

Not tested: what a disk does that reports a sync as done and has not done it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.policy import replies
from smarthost.programs.qmail import qmail_queue
from smarthost.store import spool
from smarthost.store.queueing import OwnQueueing
from smarthost.unix import files
from tests.support.homes import make_home, messages, queued
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Queue = Callable[[Path], bytes | None]

MESSAGE = b"Subject: test\n\n" + bytes(100_000)
ENVELOPE = b"Fa@b\0Tc@d\0\0"

ORDER = [
    *("create_exclusive", "link", "unlink"),  # pid/, mess/
    *("write", "write", "sync"),  # the message, in blocks
    *("create_exclusive", "write", "sync"),  # intd/
    "link",  # the commit point
    "sync",  # its directory
    "open_write",  # lock/trigger
]
COMMIT = 9
STATUS = [63, 64, 63, 53, 53, 53, 65, 53, 53, 66, 66, 0]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_home(tmp_path / "home")


def on_descriptors(home: Path, monkeypatch: pytest.MonkeyPatch) -> bytes | None:
    """Run the program's work in this process, with files in the place of descriptors 0 and 1."""
    (home / "message").write_bytes(MESSAGE)
    (home / "envelope").write_bytes(ENVELOPE)
    with open(home / "message", "rb") as message, open(home / "envelope", "rb") as envelope:
        monkeypatch.setattr(qmail_queue, "MESSAGE", message.fileno())
        monkeypatch.setattr(qmail_queue, "ENVELOPE", envelope.fileno())
        return replies.failure(qmail_queue.queue(os.fsencode(home)))


def by_who_has_it(home: Path, _: pytest.MonkeyPatch) -> bytes | None:
    """As qmail-qmqpd does where the queue program is ours."""
    queueing = OwnQueueing(os.fsencode(home))
    try:
        for at in range(0, len(MESSAGE), files.BLOCK):
            queueing.write(MESSAGE[at : at + files.BLOCK])
        queueing.sender(b"a@b")
        queueing.recipient(b"c@d")
        return queueing.finish()
    finally:
        queueing.abandon()


@pytest.fixture(params=[on_descriptors, by_who_has_it])
def queue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Queue the message: what a client is told if it is not queued."""
    return lambda home: request.param(home, monkeypatch)


def is_whole(home: Path) -> bool:
    """Whether there is the message, once; whatever is in todo/ must be whole."""
    found = messages(home)
    for message, envelope in found:
        assert message.endswith(MESSAGE)
        assert envelope.endswith(b"\0" + ENVELOPE[:-1])
    assert len(found) <= 1
    return len(found) == 1


def test_the_order(home: Path, queue: Queue) -> None:
    with stop_at(None) as steps:
        assert queue(home) is None
    assert steps == ORDER
    assert is_whole(home)


def test_what_is_linked_was_synced(home: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the name appears that says queued, no byte of either file has been written since it was synced."""
    synced: dict[int, int] = {}
    sync, link = files.sync, files.link

    def seen_sync(descriptor: int) -> None:
        sync(descriptor)
        status = os.fstat(descriptor)
        synced[status.st_ino] = status.st_size

    def seen_link(old: bytes, new: bytes) -> None:
        if b"todo" in new:
            number = int(os.path.basename(new))
            [mess] = (home / "queue/mess").glob(f"*/{number}")
            for path in (mess, home / "queue/intd" / str(number)):
                assert synced[path.stat().st_ino] == path.stat().st_size > 0
        link(old, new)

    monkeypatch.setattr(files, "sync", seen_sync)
    monkeypatch.setattr(files, "link", seen_link)
    assert queue(home) is None
    assert (home / "queue/todo").stat().st_ino in synced, (
        "it was acknowledged before its name was on the disk"
    )


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_stopped_anywhere(home: Path, queue: Queue, number: int) -> None:
    with pytest.raises(Stopped), stop_at(number):
        queue(home)
    assert is_whole(home) is (number > COMMIT)
    # What was left is in nobody's way.
    left = len(messages(home))
    assert queue(home) is None
    assert len(messages(home)) == left + 1


@pytest.mark.parametrize("number", range(len(ORDER)))
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EMFILE])
def test_refused_anywhere(home: Path, queue: Queue, number: int, error: int) -> None:
    with stop_at(number, error):
        reply = queue(home)
    if number == 0:
        assert reply is None, "the next name in pid/ is tried"
        return
    assert reply == replies.failure(STATUS[number])
    if number <= COMMIT:
        assert queued(home) == {}, "something is left in half"
    else:
        assert is_whole(home), "what is linked may be on its way already"


def test_no_name_is_left_in_pid(home: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: bytes, mode: int = 0) -> int:
        raise OSError(errno.EEXIST, path, mode)

    monkeypatch.setattr(files, "create_exclusive", refused)
    assert queue(home) == replies.failure(63)


@pytest.mark.parametrize(
    ("error", "status"), [(MemoryError(), replies.OUT_OF_MEMORY), (ZeroDivisionError(), replies.BUG)]
)
def test_a_mistake_of_our_own(
    home: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def mistaken(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(spool.Draft, "begin_envelope", mistaken)
    assert queue(home) == replies.failure(status)
    assert queued(home) == {}


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_killed_anywhere(home: Path, queue: Queue, number: int) -> None:
    """The kernel ends it: no handler and no `finally` runs."""
    pid = os.fork()
    if not pid:
        try:
            with stop_at(number):
                queue(home)
        except Stopped:
            os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 9
    assert is_whole(home) is (number > COMMIT)


def test_a_signal_that_ends_it_within_the_commit_takes_nothing_back(
    home: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is made, and the handler of SIGALRM raises before anyone knows."""
    link = files.link

    def interrupted(old: bytes, new: bytes) -> None:
        link(old, new)
        if b"todo" in new:
            raise MemoryError

    monkeypatch.setattr(files, "link", interrupted)
    assert queue(home) == replies.failure(replies.OUT_OF_MEMORY)
    assert is_whole(home)
