"""Steps of a queued message, each by itself.

Not tested here: what they are for together, which is in tests/crash and tests/differential/test_qmail_send*.py.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.formats.queuefiles import LOCAL, REMOTE, Places
from smarthost.policy.rewrite import Rewriter
from smarthost.store import queuesteps
from smarthost.store.queuesteps import Recipients
from smarthost.unix import files
from tests.support.homes import make_home
from tests.support.stop_at import stop_at

if TYPE_CHECKING:
    from pathlib import Path

PLACES = Places(23)
REWRITER = Rewriter([b"here"], [], [b"virtual:joe"], b"here")
N = 457


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    queue = make_home(tmp_path) / "queue"
    monkeypatch.chdir(queue)
    return queue


def put(name: bytes, content: bytes) -> str:
    with open(name, "wb") as file:
        file.write(content)
    return name.decode()


@pytest.mark.parametrize(
    ("content", "sender"),
    [
        (b"Fme@here\0", b"me@here"),
        (b"F\0", b""),
        (b"Fme@here\0more", b"me@here"),
        (b"Fme@here", None),
        (b"Tme@here\0", None),
        (b"", None),
        (b"F" + b"x" * 100_000, None),
    ],
)
def test_sender_and_birth(queue: Path, content: bytes, sender: bytes | None) -> None:
    path = put(PLACES.info(N), content)
    os.utime(queue / path, (5, 7))
    assert queuesteps.sender_and_birth(PLACES, N) == (None if sender is None else (sender, 7))


@pytest.mark.usefixtures("queue")
def test_no_sender_of_what_is_not_there() -> None:
    assert queuesteps.sender_and_birth(PLACES, N) is None


@pytest.mark.usefixtures("queue")
def test_recipients_are_read_in_blocks_and_marked_where_they_lie() -> None:
    each = [b"T%d@here" % number + b"x" * (number % 50) for number in range(2000)]
    path = put(PLACES.recipients(LOCAL, N), b"\0".join(each) + b"\0Tno end")
    recipients = Recipients(os.fsencode(path))
    found = []
    while (record := recipients.take()) is not None:
        found.append(record)
    recipients.close()
    assert [record for _, record in found] == each
    for position, _ in found[::2]:
        queuesteps.mark_done(os.fsencode(path), position)
    left = [recipient for _, recipient in queuesteps.undelivered(PLACES, LOCAL, N)]
    assert left == [record[1:] for record in each[1::2]]


def test_a_bounce_that_cannot_be_written_whole_is_not_written(queue: Path) -> None:
    path = PLACES.bounce(N)
    queuesteps.add_to_bounce(path, b"<a@here>:\nno\n\n")
    with stop_at(None) as steps:
        queuesteps.add_to_bounce(path, b"<b@here>:\nno\n\n")
    assert steps == ["open_append", "write", "sync"]
    before = (queue / "bounce" / str(N)).read_bytes()
    assert before == b"<a@here>:\nno\n\n<b@here>:\nno\n\n"
    for number in range(len(steps)):
        with pytest.raises(OSError), stop_at(number, errno.ENOSPC):
            queuesteps.add_to_bounce(path, b"<c@here>:\nno\n\n")
        assert (queue / "bounce" / str(N)).read_bytes() == before


def test_half_a_write_is_taken_back(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 4:
            raise OSError(errno.ENOSPC, "full")
        return os.write(descriptor, data[:-3])

    monkeypatch.setattr(files, "write", half)
    with pytest.raises(OSError):
        queuesteps.add_to_bounce(PLACES.bounce(N), b"0123456789")
    assert (queue / "bounce" / str(N)).read_bytes() == b""


def test_give_up_and_discard(queue: Path) -> None:
    put(PLACES.recipients(LOCAL, N), b"Ta@here\0Db@here\0Tjoe-c@virtual\0")
    put(PLACES.recipients(REMOTE, N), b"Td@there\0")
    put(PLACES.info(N), b"Fme@here\0")
    queuesteps.give_up(PLACES, REWRITER, N, b"given up")
    assert (queue / "bounce" / str(N)).read_bytes() == (
        b"<a@here>:\ngiven up\n\n<c@virtual>:\ngiven up\n\n<d@there>:\ngiven up\n\n"
    )
    assert [queuesteps.exists(PLACES.recipients(channel, N)) for channel in (LOCAL, REMOTE)] == [False, False]
    queuesteps.give_up(PLACES, REWRITER, N, b"given up")  # again: there is nobody
    put(PLACES.recipients(REMOTE, N), b"Td@there\0")
    queuesteps.discard(PLACES, N)
    queuesteps.discard(PLACES, N)
    left = [name for name in queue.rglob("*") if name.is_file() and name.parent.name != "lock"]
    assert left == [queue / os.fsdecode(PLACES.info(N))]


def test_giving_up_can_be_done_again(queue: Path) -> None:
    """Interrupted anywhere, nobody is forgotten; one may be named twice."""
    for number in range(12):
        put(PLACES.recipients(LOCAL, N), b"Ta@here\0")
        put(PLACES.recipients(REMOTE, N), b"Td@there\0")
        queuesteps.remove(PLACES.bounce(N))
        try:
            with stop_at(number, errno.EIO):
                queuesteps.give_up(PLACES, REWRITER, N, b"given up")
        except OSError:
            queuesteps.give_up(PLACES, REWRITER, N, b"given up")
        bounce = (queue / "bounce" / str(N)).read_bytes()
        assert 1 <= bounce.count(b"<a@here>:\ngiven up\n\n") <= 2
        assert 1 <= bounce.count(b"<d@there>:\ngiven up\n\n") <= 2


@pytest.mark.usefixtures("queue")
def test_what_cannot_be_told_is_an_error() -> None:
    path = PLACES.info(N)
    assert not queuesteps.exists(path)
    assert queuesteps.changed(path) is None
    os.symlink(os.path.basename(path), path)
    with pytest.raises(OSError):
        queuesteps.exists(path)
    with pytest.raises(OSError):
        queuesteps.changed(path)
