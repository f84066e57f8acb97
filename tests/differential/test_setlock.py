"""setlock beside the original, each against locks that the other holds.

Not tested: file systems without locks.
"""

from __future__ import annotations

import ast
import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.chains import UNCHANGED, both
from tests.support.originals import original
from tests.support.run import Outcome, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOTH = ["original", "ours"]


def setlock(which: str) -> str:
    return original("setlock") if which == "original" else ours("setlock")


@contextmanager
def held(which: str, file: Path) -> Iterator[None]:
    """The lock, held until the block ends by a program that setlock became."""
    with subprocess.Popen(
        [setlock(which), file, "sh", "-c", "echo locked; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.communicate(b"\n")


def is_locked(file: Path) -> bool:
    with file.open("ab") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize("holder", BOTH)
@pytest.mark.parametrize(
    "options", [["-n"], ["-nX"], ["-Nn"], ["-n", "-x", "-X"], ["-nx"], ["-xn"], ["-x", "-n", "--"]]
)
def test_at_once_or_not_at_all(tmp_path: Path, holder: str, options: list[str]) -> None:
    with held(holder, tmp_path / "lock"):
        theirs, mine = both("setlock", [*options, "lock", "echo", "got it"], cwd=tmp_path)
    assert mine == theirs
    words = b"setlock: fatal: unable to lock lock: temporary failure\n"
    assert mine == (Outcome(0, b"", b"") if "x" in options[0] else Outcome(111, b"", words))


@pytest.mark.parametrize("holder", BOTH)
@pytest.mark.parametrize("waiter", BOTH)
@pytest.mark.parametrize("options", [[], ["-nN"], ["-x"]])
def test_waiting(tmp_path: Path, holder: str, waiter: str, options: list[str]) -> None:
    file = tmp_path / "lock"
    with held(holder, file):
        waiting = subprocess.Popen(
            [setlock(waiter), *options, file, "echo", "got it"], stdout=subprocess.PIPE
        )
        eventually(lambda: processes.waits_for_a_lock(waiting.pid) or waiting.poll() is not None)
        assert waiting.poll() is None
    assert waiting.communicate()[0] == b"got it\n"
    assert waiting.returncode == 0


@pytest.mark.parametrize("which", BOTH)
def test_sigterm_ends_the_waiting(tmp_path: Path, which: str) -> None:
    file = tmp_path / "lock"
    with held(which, file):
        waiting = subprocess.Popen([setlock(which), file, "true"])
        eventually(lambda: processes.waits_for_a_lock(waiting.pid))
        waiting.terminate()
        assert waiting.wait() == -15


@pytest.mark.parametrize("which", BOTH)
def test_the_lock_lasts_as_long_as_its_last_holder(tmp_path: Path, which: str) -> None:
    """Also a background process of the program holds it."""
    file = tmp_path / "lock"
    program_file = setlock(which)  # first: without the original the test ends here
    ours_end, theirs_end = os.pipe()
    with subprocess.Popen(
        [program_file, "-n", file, "sh", "-c", "exec 9<&0; read line <&9 & exit 3"],
        stdin=ours_end,
    ) as program:
        os.close(ours_end)
        assert program.wait() == 3
    assert is_locked(file)
    os.close(theirs_end)
    eventually(lambda: not is_locked(file))


@pytest.mark.parametrize("child", UNCHANGED)
def test_nothing_else_is_changed(tmp_path: Path, child: list[str]) -> None:
    theirs, mine = both("setlock", ["lock", *child], cwd=tmp_path)
    assert mine == theirs
    assert mine.status == 0


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "<&- >&-"])
def test_the_descriptor(tmp_path: Path, closed: str) -> None:
    """It is the lowest free one, opened for appending, and survives the exec."""
    look = (
        "import fcntl, os; links = {int(n): os.path.realpath('/proc/self/fd/' + n) for n in os.listdir('/proc/self/fd')};"
        " os.write(2, repr([(n, fcntl.fcntl(n, 3)) for n in links if links[n].endswith('/lock')]).encode())"
    )
    child = f'{sys.executable} -I -S -c "{look}"'
    outcomes = [
        run(["sh", "-c", f"exec {program} lock {child} {closed}"], cwd=tmp_path)
        for program in (original("setlock"), ours("setlock"))
    ]
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK
    place = {"": 3, "<&-": 0, ">&-": 1, "<&- >&-": 0}[closed]
    assert outcomes[1] == outcomes[0]
    assert [(n, f & ~0o100000) for n, f in ast.literal_eval(outcomes[1].stderr.decode())] == [(place, flags)]


@pytest.mark.parametrize("which", BOTH)
def test_the_file(tmp_path: Path, which: str) -> None:
    """Made for its owner alone; what is in one that exists stays."""
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_bytes(b"content")
    old.chmod(0o644)
    before = os.umask(0)
    try:
        for file in (new, old):
            assert run([setlock(which), str(file), "true"]) == Outcome(0, b"", b"")
    finally:
        os.umask(before)
    assert (new.stat().st_mode & 0o7777, new.read_bytes()) == (0o600, b"")
    assert (old.stat().st_mode & 0o7777, old.read_bytes()) == (0o644, b"content")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["lock"],
        ["-n"],
        ["-n", "lock"],
        ["-z", "lock", "true"],
        ["-nz", "lock", "true"],
        ["-x", "-", "true"],
        ["-", "true"],
        ["--", "lock", "true"],
        ["--any", "lock", "true"],
        ["lock", "-n"],
        ["lock", "-n", "true"],
        ["directory", "true"],
        ["-x", "directory", "true"],
        ["-xX", "directory", "true"],
        ["nowhere/lock", "true"],
        ["-nx", "nowhere/lock", "true"],
        ["", "true"],
        ["fifo", "true"],
        ["-x", "fifo", "true"],
        ["lock", "no-such-program"],
        ["-x", "lock", "no-such-program"],
        ["lock", "./lock"],
        ["lock", "sh", "-c", "exit 7"],
        ["lock", "sh", "-c", "kill -9 $$"],
        ["/dev/null", "true"],
        [b"\xff", "true"],
    ],
)
def test_arguments(tmp_path: Path, arguments: list[str | bytes]) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    theirs, mine = both("setlock", arguments, cwd=tmp_path)
    assert mine == theirs
