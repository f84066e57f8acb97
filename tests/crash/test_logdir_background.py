"""A log directory with a processor in the background, stopped at every step: no line is missing, and nothing
half done has a final name. Ours and the original take it over.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from smarthost.policy.logscript import Directory, parse
from smarthost.store.logdir import LogDir
from tests.support.logs import lines
from tests.support.originals import original
from tests.support.run import ours, run
from tests.support.stop_at import Stopped, stop_at
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

LINE = b"%04d " + b"x" * 400 + b"\n"
COUNT = 16  # the third file is begun
# So many tests share the steps: one alone is long on a slow machine, where a test has two minutes.
PARTS = 4
PROCESSOR = b"bcat; cat <&4 >&5; echo ran >&5; echo END"


def fill(start: int, done: list[int], said: list[str]) -> None:
    [order] = parse([b"s4096", PROCESSOR, b"./main"]).sinks
    assert isinstance(order, Directory)
    directory = LogDir(order, time.time_ns, said.append, said.append)

    def idle() -> bool:
        directory.tend(time.time_ns())
        return not directory.is_busy

    try:
        directory.open(start)
        for number in range(COUNT):
            directory.append(LINE % number)
            done.append(number)
        eventually(idle, "the processor")
        directory.close()
    finally:
        directory.abandon()


def stopped(place: Path, number: int | None) -> tuple[list[str], list[int]]:
    place.mkdir()
    start = os.open(place, os.O_RDONLY)
    done: list[int] = []
    try:
        with stop_at(number) as taken:
            if number is None:
                fill(start, done, [])
            else:
                with pytest.raises(Stopped):
                    fill(start, done, [])
    finally:
        os.close(start)
    return taken, done


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_stopped_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.chdir(tmp_path)
    taken, _ = stopped(tmp_path / "counted", None)
    steps = [
        number for number, step in enumerate(taken) if step != "write_parts" or taken[number - 1] != step
    ]
    assert len(steps) > 40
    for number in steps[part::PARTS]:
        for which, script in enumerate(([b"s4096", PROCESSOR, b"./main"], [b"./main"])):
            if which and number % 3:
                continue  # the original is slower to ask, and asked often enough
            place = tmp_path / f"at-{number}-{which}"
            try:
                taken, done = stopped(place, number)
            except pytest.fail.Exception:
                continue  # how often the background looks for files depends on when a child ends
            program = ours("multilog") if which == 0 else original("multilog")
            recovered = run([program, *script], b"after\n", cwd=place)
            assert (recovered.status, recovered.stderr) == (0, b""), taken[-5:]
            left = lines(place / "main")
            missing = [one for one in done if (LINE % one)[:-1] not in left]
            assert missing == [], taken[-5:]
            names = {path.name for path in (place / "main").iterdir()}
            for safe in (path for path in (place / "main").glob("@*.s") if which == 0):
                assert safe.read_bytes().count(b"END\n") == 1, taken[-5:]
                assert safe.read_bytes().endswith(b"END\n"), taken[-5:]
            if which == 0:
                assert {name for name in names if name[0] != "@"} == {"current", "lock", "state"}
                assert not [name for name in names if name.endswith(".w")]
                left = [line for line in left if line not in (b"END", b"after")]
                assert len(left) == len(set(left)), taken[-5:]
