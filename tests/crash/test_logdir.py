"""A log directory stopped at every step: ours and the original take it over, and no line is missing.

The disk's own loss of what was not synced is not simulated, but the order of sync and rename is checked.
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Temporary
from smarthost.policy.logscript import Directory, parse
from smarthost.store.logdir import LogDir
from tests.support.logs import lines
from tests.support.originals import original
from tests.support.run import ours, run
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Three files of 4096 bytes get full: with n2, files are removed, too.
LINE = b"%04d " + b"x" * 200 + b"\n"
COUNT = 40
# So many tests share the steps: one alone is long on a slow machine, where a test has two minutes.
PARTS = 4
SCRIPTS = {"plain": [b"s4096"], "processor": [b"s4096", b"!cat; cat <&4 >&5; echo ran >&5"]}


def fill(script: list[bytes], start: int, done: list[int], said: list[str]) -> None:
    """Write the lines; `done` gets each that is written, `said` what would be paused for."""
    [order] = parse([*script, b"./main"]).sinks
    assert isinstance(order, Directory)
    directory = LogDir(order, time.time_ns, said.append, said.append)
    try:
        directory.open(start)
        for number in range(COUNT):
            directory.append(LINE % number)
            done.append(number)
        directory.close()
    finally:
        directory.abandon()


def steps(script: list[bytes], tmp_path: Path) -> list[str]:
    place = tmp_path / "counted"
    place.mkdir()
    start = os.open(place, os.O_RDONLY)
    try:
        with stop_at(None) as taken:
            fill(script, start, [], [])
    finally:
        os.close(start)
        os.chdir(tmp_path)
    return taken


def whole_lines(main: Path) -> list[bytes]:
    return [line + b"\n" for line in lines(main)]


def worth_a_try(taken: list[str]) -> list[int]:
    """The steps between two rotations are all alike: of the plain writes among them the first three are tried."""
    writes = ["write_parts"] * 4
    return [number for number in range(len(taken)) if taken[max(number - 3, 0) : number + 1] != writes]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("program", [ours, original], ids=["ours", "original"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_stopped_at_every_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: list[bytes],
    program: Callable[[str], str],
    part: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    counted = steps(script, tmp_path)
    assert len(counted) > COUNT
    for number in worth_a_try(counted)[part::PARTS]:
        place = tmp_path / f"at-{number}"
        place.mkdir()
        start = os.open(place, os.O_RDONLY)
        done: list[int] = []
        with stop_at(number) as taken, pytest.raises(Stopped):
            fill(script, start, done, [])
        os.close(start)
        recovered = run([program("multilog"), "./main"], b"after\n", cwd=place)
        assert (recovered.status, recovered.stderr) == (0, b""), taken[-5:]
        left = whole_lines(place / "main")
        assert left[-1] == b"after\n"
        missing = [LINE % one for one in done if LINE % one not in left]
        assert missing == [], taken[-5:]
        names = set(os.listdir(place / "main"))
        assert {name for name in names if name[0] != "@"} == {"current", "lock", "state"}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_refused_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: list[bytes], error: int, part: int
) -> None:
    """Before the first line a failure is the end; after it, a warning, and another try."""
    monkeypatch.chdir(tmp_path)
    reason = {errno.ENOSPC: "out of disk space", errno.EIO: "input/output error"}[error]
    taken = steps(script, tmp_path)
    for number in worth_a_try(taken)[part::PARTS]:
        step = taken[number]
        place = tmp_path / f"at-{number}"
        place.mkdir()
        start = os.open(place, os.O_RDONLY)
        done: list[int] = []
        said: list[str] = []
        with stop_at(number, error):
            try:
                fill(script, start, done, said)
            except Temporary as failure:
                said.append(str(failure))
        os.close(start)
        os.chdir(tmp_path)
        assert len(said) == 1 or (not said and step == "unlink")
        assert not said or said[0].startswith("unable to ")
        assert not said or said[0].endswith(reason)
        if done:
            assert not said or "pausing" in said[0]
            assert whole_lines(place / "main") == [LINE % one for one in range(COUNT)]


def test_nothing_is_renamed_before_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taken = [step for step in steps(SCRIPTS["processor"], tmp_path) if step in ("sync", "rename", "link")]
    rotation = ["sync", "rename", "sync", "sync", "rename", "link"]
    assert taken == rotation * (len(taken) // len(rotation)) + ["sync"]
