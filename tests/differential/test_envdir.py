"""envdir beside the original: the environment that child finds, and what is said.

Not tested: memory that runs out; a directory that changes while it is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smarthost.programs.daemontools import envdir
from tests.support.chains import UNCHANGED, both
from tests.support.originals import original
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

as_user = pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
SHOW = ["/usr/bin/env", "-0"]


def fill(directory: Path, files: Mapping[str, bytes]) -> str:
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return str(directory)


def variables(outcome: Outcome) -> list[bytes]:
    """Their order is nobody's business."""
    assert outcome.status == 0, outcome
    return sorted(outcome.stdout.split(b"\0"))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"\n\n", b"value", b"value\n", b"value\nmore\n", b" \t \n", b" leading", b"trailing \t ",
        b"trailing \t \nmore", b"in the middle\tof it", b"a\0b", b"\0", b"a\0 \n", b"\0\0\nx", b"a\r\n",
        b"a=b", b"=", b"\xff\xfe", b"x" * 255 + b"\n", b"x" * 256, b"x" * 257 + b" ", b"x" * 70000 + b"\ny",
        b"x" * 65535 + b"\ny", b" " * 70000, b"#comment", b"$HOME", b'"quoted"',
    ],
    ids=lambda content: repr(content[:20]) + str(len(content)),
)  # fmt: skip
@pytest.mark.parametrize("before", [None, "old"])
def test_the_value(tmp_path: Path, content: bytes, before: str | None) -> None:
    directory = fill(tmp_path / "env", {"V": content})
    env = {"V": before} if before else {}
    theirs, mine = both("envdir", [directory, *SHOW], env=env)
    assert variables(mine) == variables(theirs)
    assert b"V=old" not in variables(mine)


@pytest.mark.parametrize(
    "files",
    [
        {".hidden": b"x", "..data": b"x", "V": b"1"},
        {"a-b": b"1", "with space": b"2", "umlaut-\u00e4": b"3", "lower": b"4"},
        {"A=b": b"c"},
        {"A=b": b""},
        {"A=": b""},
        {"A=": b"c"},
        {"A==": b"=c"},
        {"A=b=c": b"d"},
        {"PATH": b"/nowhere"},
        {"PATH": b""},
        {"LC_CTYPE": b"C.UTF-8"},
        {"LC_CTYPE": b""},
        {"X": b"1", "Y": b"", "Z": b"3\n4\n"},
        {f"V{number}": b"%d" % number for number in range(200)},
        {},
    ],
    ids=lambda files: ",".join(files)[:30],
)
def test_the_name(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    directory = fill(tmp_path / "env", files)
    theirs, mine = both("envdir", [directory, *SHOW], env={"A": "old", "Y": "old", "AB": "kept"})
    assert variables(mine) == variables(theirs)


def test_child_is_found_along_the_path_that_envdir_was_given(tmp_path: Path) -> None:
    directory = fill(tmp_path / "env", {"PATH": b"/nowhere"})
    theirs, mine = both("envdir", [directory, "true"])
    assert mine == theirs == Outcome(0, b"", b"")


@pytest.mark.parametrize("env", [{}, {"LANG": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}])
def test_the_rest_of_the_environment_is_what_it_was(tmp_path: Path, env: dict[str, str]) -> None:
    theirs, mine = both("envdir", [fill(tmp_path / "env", {"V": b"1"}), *SHOW], env=env)
    assert variables(mine) == variables(theirs)


@pytest.mark.parametrize("child", UNCHANGED)
def test_nothing_else_is_changed(tmp_path: Path, child: list[str]) -> None:
    fill(tmp_path / "env", {"V": b"1"})
    theirs, mine = both("envdir", ["env", *child], cwd=tmp_path)
    assert mine == theirs
    assert mine.status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["env"],
        ["nowhere", "true"],
        ["", "true"],
        ["file", "true"],
        ["file/below", "true"],
        ["loop", "true"],
        ["-x", "true"],
        ["--", "true"],
        [b"\xff", "true"],
        ["with-directory", "true"],
        ["with-loop", "true"],
        ["with-fifo", *SHOW],
        ["env", "no-such-program"],
        ["env", "./env/V"],
        ["env", ""],
        ["env", "sh", "-c", "exit 7"],
        ["env", "sh", "-c", "kill -9 $$"],
        ["empty", "echo", "-n", "--", ""],
    ],
)
def test_arguments(tmp_path: Path, arguments: list[str | bytes]) -> None:
    fill(tmp_path / "env", {"V": b"1"})
    fill(tmp_path / "empty", {})
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "with-directory").mkdir()
    (tmp_path / "with-directory" / "inner").mkdir()
    (tmp_path / "with-loop").mkdir()
    (tmp_path / "with-loop" / "LOOP").symlink_to("LOOP")
    (tmp_path / "with-fifo").mkdir()
    os.mkfifo(tmp_path / "with-fifo" / "V")
    theirs, mine = both("envdir", arguments, cwd=tmp_path, env={"V": "old"})
    if SHOW[0] in arguments:
        assert variables(mine) == variables(theirs)
    else:
        assert mine == theirs


@as_user
@pytest.mark.parametrize("target", ["env", "env/V"])
def test_no_right_to_read(tmp_path: Path, target: str) -> None:
    fill(tmp_path / "env", {"V": b"1"})
    (tmp_path / target).chmod(0o100 if target == "env" else 0)
    try:
        theirs, mine = both("envdir", ["env", "true"], cwd=tmp_path)
    finally:
        (tmp_path / target).chmod(0o700)
    assert mine == theirs
    assert mine.status == 111


def test_a_starting_directory_that_is_gone(tmp_path: Path) -> None:
    """It can be opened, left, and entered again."""
    directory = fill(tmp_path / "env", {"V": b"1"})
    script = f'mkdir gone && cd gone && rmdir ../gone && exec "$0" {directory} sh -c "echo \\$V"'
    theirs, mine = (
        run(["sh", "-c", script, program], cwd=tmp_path) for program in (original("envdir"), ours("envdir"))
    )
    assert mine == theirs


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=st.binary(max_size=40) | st.text("a \t\n\0=", max_size=12).map(str.encode))
@pytest.mark.slow
def test_any_content(tmp_path: Path, content: bytes) -> None:
    directory = fill(tmp_path / "env", {"V": content})
    theirs, mine = both("envdir", [directory, *SHOW], env={})
    assert variables(mine) == variables(theirs)


class TestDiffers:
    def test_a_link_to_nowhere_removes_its_variable(self, tmp_path: Path) -> None:
        """The original gives it what it read last: its own manual knows no such thing."""
        directory = tmp_path / "env"
        fill(directory, {"A": b"secret"})
        (directory / "V").symlink_to("nowhere")
        done = run([ours("envdir"), str(directory), *SHOW], env={"V": "old"})
        assert [entry for entry in variables(done) if entry[:1] in (b"A", b"V")] == [b"A=secret"]

    def test_no_variable_without_a_name(self, tmp_path: Path) -> None:
        done = run([ours("envdir"), fill(tmp_path / "env", {"=": b"1", "=x": b"", "V": b"2"}), *SHOW], env={})
        assert [entry for entry in variables(done) if entry and not entry.startswith(b"PATH")] == [b"V=2"]

    def test_what_is_no_variable_is_no_obstacle(self, tmp_path: Path) -> None:
        """execve(2) hands on anything; Python's refuses a nameless entry."""
        directory = fill(tmp_path / "env", {"V": b"1"})
        probe = (
            "import ctypes, sys; words = [word.encode() for word in sys.argv[1:]];"
            " strings = ctypes.c_char_p * 20;"
            " ctypes.CDLL(None).execve(words[0], strings(*words), strings(b'=x', b'PATH=/usr/bin:/bin', b'odd'))"
        )
        python = ours("envdir").replace("/envdir", "/python")
        assert os.access(python, os.X_OK)
        done = subprocess.run(
            [sys.executable, "-c", probe, python, ours("envdir"), directory, *SHOW],
            capture_output=True,
            check=True,
        )
        assert b"V=1\0" in done.stdout
        assert done.stderr == b""


def test_reading_stops_at_the_end_of_the_first_line(tmp_path: Path) -> None:
    """Of a file of any size."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.write(b"value \nmore")
        file.truncate(2**40)
    assert envdir.first_line(os.fsencode(large)) == b"value "
