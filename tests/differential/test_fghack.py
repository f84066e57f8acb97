"""fghack beside the original. Not tested: a system without room for a pipe or a process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.chains import both
from tests.support.originals import original
from tests.support.run import TIMEOUT, ours, run

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ["original", "ours"]


def fghack(which: str) -> str:
    return original("fghack") if which == "original" else ours("fghack")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["true"],
        ["false"],
        ["sh", "-c", "exit 7"],
        ["sh", "-c", "exit 255"],
        ["sh", "-c", "kill -9 $$"],
        ["sh", "-c", "kill -TERM $$"],
        ["no-such-program"],
        ["/etc/passwd"],
        [""],
        ["-x"],
        ["--"],
        [b"\xff"],
        ["cat"],
        ["sh", "-c", "echo early; (sleep 0.05; echo late) & exit 5"],
        ["grep", "-E", "^(Sig[BIC]|Shd)", "/proc/self/status"],
        ["ls", "/proc/self/fd"],
        # By way of a file: a pipeline would open pipes of the shell's own.
        ["sh", "-c", "for f in /proc/$$/fd/*; do readlink $f; done >links; grep -c pipe: links"],
        ["sh", "-c", "ulimit -f 0; echo x >file"],
        [
            "sh",
            "-c",
            "for f in /proc/$$/fd/*; do case $f in */[012]) ;; *) echo x >>$f ;; esac; done 2>/dev/null; exit 3",
        ],
    ],
)
def test_arguments(tmp_path: Path, arguments: list[str | bytes]) -> None:
    theirs, mine = both("fghack", arguments, stdin=b"input\n", cwd=tmp_path)
    assert mine == theirs


@pytest.mark.parametrize("which", BOTH)
def test_it_waits_for_the_background(which: str) -> None:
    """The child has gone; what it left behind reads on, with fghack's pipe open and 0, 1, 2 its own."""
    with subprocess.Popen(
        [fghack(which), "sh", "-c", "exec 9<&0; (read line <&9; echo got $line >&2) & echo gone; exit 4"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdin
        assert program.stdout
        assert program.stderr
        assert program.stdout.readline() == b"gone\n"
        assert program.poll() is None
        program.stdin.write(b"word\n")
        program.stdin.flush()
        assert program.stderr.readline() == b"got word\n"
        assert program.wait(TIMEOUT) == 4


@pytest.mark.parametrize("closed", [3, 4, 5, 20, 33, 34, 40])
def test_a_child_that_closes_descriptors_one_by_one(closed: int) -> None:
    """Any of the copies keeps fghack waiting; only a child that closes all of them is lost."""
    close = f"import os; os.closerange(3, {closed}); os.fork() and os._exit(0); os.write(2, b'late')"
    theirs, mine = both("fghack", [sys.executable, "-I", "-S", "-c", close])
    assert mine.status == theirs.status == 0
    if closed < 34:
        assert mine.stderr == theirs.stderr == b"late"


@pytest.mark.parametrize("room", [5, 6, 20, 40])
def test_as_many_copies_as_there_is_room_for(room: int) -> None:
    outcomes = [
        run(["sh", "-c", f'ulimit -n {room}; exec "$0" ls /proc/self/fd', program])
        for program in (original("fghack"), ours("fghack"))
    ]
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("which", BOTH)
def test_a_parent_that_ignores_its_children(which: str) -> None:
    """With SIGCHLD ignored nobody is left to be waited for."""
    done = run(["env", "--ignore-signal=CHLD", fghack(which), "true"])
    assert (done.status, done.stderr) == (111, b"fghack: fatal: wait failed: no child processes\n")


@pytest.mark.parametrize("which", BOTH)
def test_a_signal_to_it_does_not_reach_child(which: str) -> None:
    with subprocess.Popen(
        [fghack(which), "sh", "-c", "echo $$; read line; echo $line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdin
        assert program.stdout
        program.stdout.readline()
        program.terminate()
        assert program.wait(TIMEOUT) == -15
        program.stdin.write(b"still here\n")
        program.stdin.flush()
        assert program.stdout.readline() == b"still here\n"
