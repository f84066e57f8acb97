"""What may be wrong with a service directory: each is a line in the log, and the others go on.

Not tested: a table of processes or of descriptors that is full.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import Engine, lines
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.supervised import make_service
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FOREVER = "exec sleep 1000"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as made:
        yield made


@pytest.fixture
def good(engine: Engine) -> Iterator[Path]:
    """A service that must come to no harm, whatever becomes of the others."""
    home = engine.add("good", f"echo up >>$ROOT/good; {FOREVER}", engine.multilog("good"))
    yield home
    eventually(lambda: lines(engine.root / "good"))
    assert lines(engine.root / "good") == ["up"]
    assert engine.process is not None
    if engine.process.poll() is None:
        engine.stop()


def said(engine: Engine, word: str) -> list[str]:
    return [line.removeprefix("smarthost: warning: ") for line in lines(engine.stderr) if word in line]


def svstat(home: Path) -> str:
    done = run([original("svstat"), home.name], cwd=home.parent)
    return re.sub(r"\d+", "N", done.stdout.decode().strip())


@pytest.mark.usefixtures("good")
class TestRun:
    def test_none(self, engine: Engine) -> None:
        home = engine.add("bad", "")
        (home / "run").unlink()
        engine.start()
        eventually(lambda: svstat(home) == "bad: down N seconds, normally up, want up")
        eventually(lambda: lines(engine.root / "good"))
        assert said(engine, "bad") == [
            f"unable to start {engine.service}/bad/run: file does not exist; trying again every second"
        ]

    @pytest.mark.skipif(os.getuid() != 0, reason="an owner may always be asked by root alone")
    def test_one_that_cannot_be_executed(self, engine: Engine) -> None:
        home = engine.add("bad", "")
        (home / "run").chmod(0o644)
        engine.start()
        eventually(lambda: said(engine, "bad"))
        assert said(engine, "bad") == [
            f"unable to start {engine.service}/bad/run: access denied; trying again every second"
        ]
        (home / "run").unlink()
        (home / "run").mkdir()
        eventually(lambda: svstat(home) == "bad: down N seconds, normally up, want up")
        engine.script(home / "run.new", FOREVER)
        (home / "run").rmdir()
        (home / "run.new").rename(home / "run")
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")

    def test_a_log_that_dies_at_once(self, engine: Engine) -> None:
        home = engine.add("bad", f"echo a line; {FOREVER}", "echo again >>$ROOT/again; exit 1")
        engine.start()
        eventually(lambda: len(lines(engine.root / "again")) >= 3)
        assert svstat(home) == "bad: up (pid N) N seconds"
        assert said(engine, "bad") == [
            "bad:log ended within a second (exit status 1); trying again every second"
        ]
        # What was written is still there.
        engine.script(home / "log" / "run", engine.multilog("bad"))
        eventually(lambda: engine.logged("bad") == ["a line"])


@pytest.mark.usefixtures("good")
class TestPlaces:
    @pytest.mark.parametrize("name", ["control", "ok", "lock", "child"])
    def test_something_else_in_the_place_of_a_file(self, engine: Engine, name: str) -> None:
        home = engine.add("bad", FOREVER)
        (home / "supervise" / name).mkdir(parents=True)
        engine.start()
        eventually(lambda: said(engine, "bad"))
        eventually(lambda: lines(engine.root / "good"))
        [line] = said(engine, "bad")
        assert line.startswith("unable to ")
        assert line.endswith("; trying again every second")
        assert f"{engine.service}/bad/supervise/{name}: " in line
        (home / "supervise" / name).rmdir()
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")

    def test_a_file_in_the_place_of_a_fifo(self, engine: Engine) -> None:
        home = engine.add("bad", FOREVER, engine.multilog("bad"))
        (home / "supervise").mkdir()
        (home / "supervise/logpipe").touch()
        (home / "supervise/control").touch()
        engine.start()
        eventually(lambda: said(engine, "bad"))
        assert (
            f"unable to read {engine.service}/bad/supervise/control: file already exists"
            in lines(engine.stderr)[0]
        )
        (home / "supervise/control").unlink()
        eventually(
            lambda: "unable to open the log pipe of bad: file already exists" in engine.stderr.read_text()
        )
        (home / "supervise/logpipe").unlink()
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")
        # Replaced while it is in use: what is held goes on, svc writes into the file, and nobody falls.
        (home / "supervise/control").unlink()
        (home / "supervise/control").touch()
        assert run([ours("svc"), "-d", str(home)]).status == 0
        assert svstat(home) == "bad: up (pid N) N seconds"

    def test_supervise_is_a_file(self, engine: Engine) -> None:
        home = engine.add("bad", FOREVER)
        (home / "supervise").touch()
        engine.start()
        eventually(lambda: said(engine, "bad"))
        assert said(engine, "bad") == [
            f"unable to acquire {engine.service}/bad/supervise/lock: not a directory; trying again every second"
        ]

    def test_log_is_a_file(self, engine: Engine) -> None:
        home = engine.add("bad", f"echo a line; {FOREVER}")
        (home / "log").touch()
        engine.start()
        eventually(lambda: said(engine, "bad"))
        assert said(engine, "bad") == [
            f"unable to open directory {engine.service}/bad/log: not a directory; trying again every second"
        ]
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")


@pytest.mark.usefixtures("good")
class TestDirectories:
    def test_they_vanish_and_are_renamed(self, engine: Engine) -> None:
        homes = [engine.add(name, f"echo $$ >>$ROOT/{name}; {FOREVER}") for name in ("deleted", "renamed")]
        engine.start()
        first, second = engine.pid("deleted"), engine.pid("renamed")
        eventually(lambda: svstat(homes[0]) == "deleted: up (pid N) N seconds")
        shutil.rmtree(homes[0])
        homes[1].rename(engine.real / "other")
        (engine.service / "renamed").unlink()
        (engine.service / "other").symlink_to(engine.real / "other")

        def gone() -> bool:
            engine.rescan()
            return ended(first)

        eventually(gone)
        assert said(engine, "deleted") == ["deleted is no longer in the directory: stopping it"]
        assert not ended(second)
        os.kill(second, 9)
        eventually(lambda: len(lines(engine.root / "renamed")) == 2)
        eventually(lambda: svstat(engine.real / "other") == "other: up (pid N) N seconds")
        assert run([ours("svc"), "-d", "--wait=down", "--timeout=30", str(engine.real / "other")]).status == 0


def fill(file: Path) -> None:
    """Until there is no room left."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
@pytest.mark.usefixtures("good")
def test_a_full_disk(engine: Engine) -> None:
    """supervise/ on a disk without room: what is there already is told the truth in the old places."""
    home = engine.add("bad", f"echo $$ >>$ROOT/pids; {FOREVER}")
    disk = engine.root / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount here")
    try:
        (home / "supervise").symlink_to(disk / "bad")
        (disk / "bad").mkdir()
        engine.start()
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")
        first = engine.pid("pids")
        fill(disk / "filler")
        for count in (2, 3):
            assert run([ours("svc"), "-t", "--wait=restart", "--timeout=30", str(home)]).status == 0
            eventually(lambda count=count: len(lines(engine.root / "pids")) == count)  # type: ignore[misc]
        pid = int(lines(engine.root / "pids")[-1])
        assert pid != first
        assert said(engine, "bad") == [
            f"unable to write {engine.service}/bad/supervise/status.new: out of disk space"
        ]
        # Its record lies where there was room for it: it can be taken over.
        assert engine.process is not None
        engine.process.kill()
        engine.process.wait(TIMEOUT)
        engine.start()
        eventually(lambda: svstat(home) == "bad: up (pid N) N seconds")
        assert len(lines(engine.root / "pids")) == 3
        assert engine.stop() == 0
        assert ended(pid)
    finally:
        if engine.process is not None and engine.process.poll() is None:
            engine.stop()
        subprocess.run(["umount", disk], check=True)


def test_two_hundred_services(engine: Engine) -> None:
    """All up, each steered by itself, and all down at the end. The original's clients read them."""
    count = 200
    for number in range(count):
        home = engine.service / f"s{number}"
        (home / "log").mkdir(parents=True)
        engine.script(home / "run", FOREVER)
        engine.script(home / "log/run", "exec cat >/dev/null")
    process = engine.start()
    names = [f"s{number}" for number in range(count)] + [f"s{number}/log" for number in range(count)]

    def states() -> set[str]:
        done = run([original("svstat"), *names], cwd=engine.service)
        return {line.split(": ")[1].split()[0] for line in done.stdout.decode().splitlines()}

    eventually(lambda: states() == {"up"}, "all to be up", within=4 * PATIENCE)
    some = run([ours("svc"), "-t", "--wait=restart", "--timeout=60", *names[:count:10]], cwd=engine.service)
    assert (some.status, some.stderr) == (0, b"")
    process.terminate()
    assert process.wait(TIMEOUT) == 0
    assert said(engine, "") == []


# In the engine's own Python, before it has loaded anything of ours.
SWALLOWED = """
import os, signal, sys, weakref
class Thing: pass
if any("smarthost.supervision" in word for word in sys.orig_argv):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
"""


@pytest.mark.parametrize("name", ["svscan", "supervise"])
def test_an_interrupt_is_not_lost_while_python_starts(tmp_path: Path, name: str) -> None:
    """There its exception may be raised where Python swallows it, as within a weak reference's callback."""
    (tmp_path / "sitecustomize.py").write_text(SWALLOWED)
    make_service(tmp_path / "service", "#!/bin/sh\nexec sleep 1000\n")
    done = run([ours(name), str(tmp_path / "service")], env={"PYTHONPATH": str(tmp_path)})
    assert done == Outcome(-signal.SIGINT, b"", b"")
