"""Wherever qmail-send ends, or is refused a step, no message is lost: the next one goes on.

A message with a recipient on each channel, one of whom fails, goes its whole way: so every step that changes the disk
is taken. It is stopped at each, as by kill -9, and started again; and each is refused once, as by a full disk.

A recipient may get the message twice only when it ended between the delivery and the mark for it, and the sender the
bounce only when it ended between its acceptance and the removal of the bounce file.

Not tested: what a disk does that reports a sync as done and has not done it.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import qmail_send
from smarthost.unix import files
from smarthost.unix.syncing import Syncers, one_by_one
from tests.support.homes import make_home
from tests.support.queueprogram import QueueProgram
from tests.support.sendrig import LOCAL, REMOTE, Rig, queue_message
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPORTS = {LOCAL: b"Kgot it\n", REMOTE: b"Dno such user\n"}

# Every step of a message's way, as seen in queue/. The two spawners answer one after the other.
WAY = [
    "open_write",  # lock/sendmutex
    *("unlink", "unlink", "unlink"),  # what an earlier try may have left
    *("create_exclusive", "write"),  # info
    *("create_exclusive", "create_exclusive", "write", "write"),  # local and remote
    *("sync", "sync", "sync"),
    # here qmail-clean removes todo: the commit point
    *("open_write", "write_at"),  # the local recipient is done
    "unlink",  # local
    *("open_append", "write", "sync"),  # bounce
    *("open_write", "write_at"),  # the other recipient is done
    "unlink",  # remote
    "unlink",  # bounce, which was injected
    *("unlink", "unlink", "unlink"),  # hold and why, if there are such; info
    # here qmail-clean removes mess
]
PREPROCESSED = 13
# The local recipient has it, and is not marked yet.
DELIVERED_TWICE = (13, 14)
# The bounce is on its way, and its file is still there.
BOUNCED_TWICE = (22,)


class Way:
    """One message's, through any number of qmail-sends."""

    def __init__(self, place: Path) -> None:
        self.home = make_home(place / "home")
        (self.home / "control/me").write_text("here.example\n")
        self.queue_program = QueueProgram(place / "queue-program")
        self.number = queue_message(self.home, [b"a@here.example", b"far@there.example"])
        self.told = {LOCAL: 0, REMOTE: 0}
        self.answered: dict[int, list[int]] = {}

    def rig(self, body: Callable[[], int]) -> Rig:
        return Rig(body, self.home, env={"QMAILQUEUE": self.queue_program.path})

    def follow(self, rig: Rig, *, alarm: bool = False) -> None:
        """Answer until the message is gone, or the program is. The local one first."""
        rig.until(lambda: b"status: " in rig.log or rig.is_gone(), "its start")
        if alarm:
            rig.kill(signal.SIGALRM)

        rig.until(lambda: self.answer(rig) or rig.is_gone() or not self.has_files(), "the end of the message")

    def answer(self, rig: Rig) -> bool:
        """Report what is ordered: the local recipient's when both are, then the other's when that is worked through."""
        answered = self.answered.setdefault(rig.pid, [])
        if rig.is_gone() or rig.log.count(b"\ndelivery ") < len(answered):
            return False
        both = all(self.file(name).exists() for name in ("local", "remote"))
        if not answered and both and not all(rig._commands):
            return False
        for channel in (LOCAL, REMOTE):
            if channel == REMOTE and self.file("local").exists() and b"warning: " not in rig.log:
                return False
            if rig._commands[channel]:
                command = rig.command(channel)
                self.told[channel] += 1
                answered.append(channel)
                os.write(rig.says[channel], b"%c%s\0" % (command.slot, REPORTS[channel]))
                break
        return False

    def file(self, name: str) -> Path:
        return self.home / f"queue/{name}/{self.number % 23}/{self.number}"

    def has_files(self) -> bool:
        split = any(self.file(name).exists() for name in ("mess", "info", "local", "remote"))
        return split or any(
            (self.home / f"queue/{name}/{self.number}").exists() for name in ("todo", "intd", "bounce")
        )


def whole() -> int:
    return qmail_send.main([])


def counted(number: int | None, error: int | None = None, *, record: Path | None = None) -> Callable[[], int]:
    """qmail-send in a child, ended or refused at its step of that number. Threads would take steps in any order."""

    def body() -> int:
        setattr(Syncers, "sync_all", staticmethod(one_by_one))  # noqa: B010
        try:
            with stop_at(number, error) as steps:
                step = files.write

                def write(descriptor: int, data: bytes | memoryview) -> int:
                    """To the log and into pipes is no step."""
                    if stat.S_ISREG(os.fstat(descriptor).st_mode):
                        return step(descriptor, data)
                    return os.write(descriptor, data)

                setattr(files, "write", write)  # noqa: B010
                status = qmail_send.main([])
        except Stopped:
            os.kill(os.getpid(), signal.SIGKILL)
        if record is not None:
            record.write_text(" ".join(steps))
        return status

    return body


def test_the_way(tmp_path: Path) -> None:
    way = Way(tmp_path)
    with way.rig(counted(None, record=tmp_path / "steps")) as rig:
        way.follow(rig)
        assert rig.end() == 0
    assert (tmp_path / "steps").read_text().split() == WAY
    assert way.told == {LOCAL: 1, REMOTE: 1}
    assert len(way.queue_program.kept()) == 1
    assert not way.has_files()


@pytest.mark.parametrize("number", range(1, len(WAY)))
def test_killed_at_any_step(tmp_path: Path, number: int) -> None:
    way = Way(tmp_path)
    with way.rig(counted(number)) as rig:
        way.follow(rig)
        assert rig.status == -signal.SIGKILL
    with way.rig(whole) as rig:
        way.follow(rig)
        assert rig.end() == 0
    assert way.told[LOCAL] == (2 if number in DELIVERED_TWICE else 1)
    assert way.told[REMOTE] == (2 if 16 <= number <= 20 else 1)
    kept = way.queue_program.kept()
    assert len(kept) == (2 if number in BOUNCED_TWICE else 1), "the sender is told, once"
    assert all(b"<far@there.example>:\nno such user\n" in message for message, _ in kept)
    assert not way.has_files()


WARNINGS = {
    **dict.fromkeys((1, 2, 3), b"unable to unlink "),
    **dict.fromkeys((4, 6, 7), b"unable to create "),
    **dict.fromkeys((5, 8, 9), b"trouble writing to "),
    **dict.fromkeys((10, 11, 12), b"trouble fsyncing "),
    **dict.fromkeys((13, 14, 19, 20), b"message will be delivered twice!"),
    **dict.fromkeys((15, 21), b"unable to unlink "),
    **dict.fromkeys((16, 17, 18), b"alert: unable to append to bounce message; HELP! sleeping..."),
    **dict.fromkeys((22, 23, 25), b"unable to unlink "),
}


@pytest.mark.parametrize("number", range(1, len(WAY)))
def test_refused_at_any_step(tmp_path: Path, number: int) -> None:
    """It says so, and what could not be done is done later; here by the next qmail-send, which need not wait."""
    way = Way(tmp_path)
    with way.rig(counted(number, errno.ENOSPC)) as rig:
        warning = WARNINGS.get(number)
        if warning is None:
            way.follow(rig)
        else:
            rig.until(lambda: way.answer(rig) or warning in rig.log, "the warning")
            rig.kill(signal.SIGALRM)  # it ends the sleep
        rig.kill(signal.SIGTERM)
        rig.until(lambda: way.answer(rig) or rig.is_gone(), "its end")
        assert rig.status == 0
    with way.rig(whole) as rig:
        rig.until_log(b"status: ")
        if way.has_files():
            way.follow(rig, alarm=True)
        assert rig.end() == 0
    kept = way.queue_program.kept()
    assert len(kept) == (2 if number in BOUNCED_TWICE else 1)
    assert all(message.count(b"<far@there.example>:\nno such user\n") == 1 for message, _ in kept)
    assert not way.has_files()
