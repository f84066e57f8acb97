"""launch.feed and launch.finish_as. feed reads this process's standard input, so a program that calls it
stands for each: predate.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smarthost import launch
from smarthost.errors import Temporary
from tests.support.run import TIMEOUT, ours, run


def test_head_and_input_arrive() -> None:
    outcome = run([ours("predate"), "cat"], b"x" * 300_000)
    assert outcome.stdout.startswith(b"Date: ")
    assert outcome.stdout.endswith(b"00\n" + b"x" * 300_000)


def test_input_that_cannot_be_read_is_not_taken_for_all(tmp_path: Path) -> None:
    only_written = os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    try:
        done = subprocess.run(
            [ours("predate"), "sh", "-c", f"cat >{tmp_path}/seen; : >{tmp_path}/ended"],
            stdin=only_written,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    finally:
        os.close(only_written)
    assert (done.returncode, done.stderr) == (
        111,
        b"predate: fatal: unable to read input: file descriptor not open\n",
    )
    assert not (tmp_path / "ended").exists()


def test_a_program_that_is_not_there_leaves_nothing_open() -> None:
    with pytest.raises(Temporary, match="unable to run /nonexistent: file does not exist"):
        launch.feed([b"/nonexistent"], b"")


def test_finish_as_any_program() -> None:
    assert launch.finish_as([b"sh", b"-c", b"exit 7"]) == 7
    assert launch.finish_as([b"sh", b"-c", b"kill -9 $$"]) == 128 + 9


def test_finish_as_one_of_ours(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["x"])
    assert launch.finish_as([os.fsencode(ours("predate"))]) == 100
    assert sys.argv[0] == ours("predate")
    assert capfd.readouterr().err == "predate: usage: predate child\n"
    assert Path(ours("predate")).name == "predate"
