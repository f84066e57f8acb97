"""maildir2mbox stopped, or failed, at every step that changes the disk: each message stays somewhere.

Not tested: power cuts that keep a rename and forget what it names (the fsync before it is what guards
against that, and its place is tested).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import maildir2mbox
from smarthost.unix import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = ("open_append", "create_empty", "sync", "rename", "sync_directory", "unlink")
MESSAGES = {f"new/{number}": b"Subject: %d\n\nmessage %d\n" % (number, number) for number in range(3)}
STOPPED = 77


def prepare(home: Path) -> None:
    for part in ("tmp", "new", "cur"):
        (home / "Maildir" / part).mkdir(parents=True)
    for number, (name, content) in enumerate(MESSAGES.items()):
        (home / "Maildir" / name).write_bytes(content)
        os.utime(home / "Maildir" / name, (number, number))
    (home / "mbox").write_bytes(b"old\n")


def in_a_child(home: Path, at_step: Callable[[str], None]) -> int:
    """The exit status of a run in which every step is announced first."""
    pid = os.fork()
    if pid == 0:
        try:
            os.environ.update(
                MAILDIR=str(home / "Maildir"), MAIL=str(home / "mbox"), MAILTMP=str(home / "tmp")
            )
            os.dup2(os.open(home / "stderr", os.O_CREAT | os.O_WRONLY), 2)
            for name in STEPS:
                step = getattr(files, name)

                def announced(
                    *arguments: object, step: Callable[..., object] = step, name: str = name
                ) -> object:
                    at_step(name)
                    return step(*arguments)

                setattr(files, name, announced)
            os._exit(maildir2mbox.main([]))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def steps_of_a_whole_run(home: Path) -> list[str]:
    prepare(home)
    log = os.open(home / "steps", os.O_CREAT | os.O_WRONLY)
    assert in_a_child(home, lambda name: files.write_all(log, name.encode() + b"\n")) == 0
    os.close(log)
    return (home / "steps").read_text().split()


def all_are_somewhere(home: Path) -> None:
    mbox = (home / "mbox").read_bytes()
    assert mbox.startswith(b"old\n")
    for name, content in MESSAGES.items():
        assert content in mbox or (home / "Maildir" / name).read_bytes() == content


def counting(number: int, then: Callable[[], None]) -> Callable[[str], None]:
    seen = iter(range(number + 1))

    def at_step(_name: str) -> None:
        if next(seen, None) == number:
            then()

    return at_step


def test_the_order_of_the_steps(tmp_path: Path) -> None:
    assert steps_of_a_whole_run(tmp_path) == [
        *("open_append", "create_empty", "sync", "rename", "sync_directory", "sync"),
        *["unlink"] * len(MESSAGES),
    ]


@pytest.mark.parametrize("number", range(9))
def test_stopped_at_a_step(number: int, tmp_path: Path) -> None:
    prepare(tmp_path)
    assert in_a_child(tmp_path, counting(number, lambda: os._exit(STOPPED))) == STOPPED
    all_are_somewhere(tmp_path)


@pytest.mark.parametrize("number", range(9))
def test_a_step_fails(number: int, tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "")

    prepare(tmp_path)
    status = in_a_child(tmp_path, counting(number, fail))
    said = (tmp_path / "stderr").read_bytes()
    all_are_somewhere(tmp_path)
    assert said.endswith(b": out of disk space\n")
    assert said.count(b"\n") == 1
    if b"will be delivered twice" in said:
        assert status == 0
    else:
        assert status == 111
        assert sorted(os.listdir(tmp_path / "Maildir/new")) == ["0", "1", "2"]
