from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.submission import Submission
from smarthost.unix import process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def starting(body: str, place: Path) -> Submission:
    def start(message: int, addresses: int, words: int) -> tuple[int, Callable[[], int]]:
        places = {0: message, 1: addresses, 6: words}
        argv = [b"sh", b"-c", body.encode()]
        pid = process.spawn(b"/bin/sh", argv, {**os.environb, b"KEPT": os.fsencode(place)}, places)
        return pid, lambda: process.wait(pid)

    return Submission(start)


KEEP = 'cat >"$KEPT/message"; cat <&1 >"$KEPT/envelope"; '


def test_a_message_is_handed_over(tmp_path: Path) -> None:
    submission = starting(KEEP, tmp_path)
    submission.write(b"one ")
    submission.write(memoryview(b"two"))
    submission.sender(b"a@b")
    submission.recipient(b"c@d")
    assert submission.finish() is None
    assert (tmp_path / "message").read_bytes() == b"one two"
    assert (tmp_path / "envelope").read_bytes() == b"Fa@b\0Tc@d\0\0"


def test_more_recipients_than_a_pipe_holds(tmp_path: Path) -> None:
    submission = starting(KEEP, tmp_path)
    submission.sender(b"")
    for _ in range(30_000):
        submission.recipient(b"c@example.org")
    assert submission.finish() is None
    assert (tmp_path / "envelope").read_bytes() == b"F\0" + b"Tc@example.org\0" * 30_000 + b"\0"


def test_what_is_abandoned_or_refused_has_no_end(tmp_path: Path) -> None:
    for end in (Submission.abandon, Submission.finish):
        submission = starting(KEEP + "exit 54", tmp_path)
        submission.sender(b"a")
        submission.recipient(b"b")
        if end is Submission.finish:
            submission.refuse()
        end(submission)
        submission.abandon()
        if end is Submission.abandon:
            assert process.wait(submission.pid) == 54
        assert not (tmp_path / "envelope").read_bytes().endswith(b"\0\0")


def test_a_program_that_says_ok_and_did_not_read_is_not_believed(tmp_path: Path) -> None:
    submission = starting("exec 0<&- 1>&-; echo >&6; exit 0", tmp_path)
    assert os.read(submission._words, 1) == b"\n"
    submission.write(b"x")
    submission.sender(b"a")
    assert submission.finish() == b"Zqq read error (#4.3.0)"


def test_someone_else_waited_for_it(tmp_path: Path) -> None:
    submission = starting("", tmp_path)
    submission.sender(b"a")
    process.wait(submission.pid)
    assert submission.finish() == b"Zqq waitpid surprise (#4.3.0)"


@pytest.mark.parametrize("error", [errno.EAGAIN, errno.ENOMEM])
def test_no_process_to_be_had(error: int) -> None:
    def start(*_: int) -> tuple[int, Callable[[], int]]:
        raise OSError(error, "")

    with pytest.raises(OSError):
        Submission(start)


def test_no_descriptors_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = os.pipe
    left = [1, 1]

    def refused() -> tuple[int, int]:
        if not left:
            raise OSError(errno.EMFILE, "")
        left.pop()
        return pipe()

    monkeypatch.setattr(os, "pipe", refused)
    with pytest.raises(OSError):
        Submission()
