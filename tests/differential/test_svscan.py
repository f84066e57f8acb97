"""svscan beside the original: the same directories, the same steps, read and steered by the original's clients.

Not tested: the original's limit of 1000 services; a system that has no more processes or descriptors.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

BOTH = ["original", "ours"]


class Scanned:
    """A directory of services, and a svscan that is not started yet."""

    def __init__(self, root: Path, which: str) -> None:
        self.root = root
        self.service = root / "service"
        self.service.mkdir()
        (root / "real").mkdir()
        self._program = original("svscan") if which == "original" else ours("svscan")
        self._process: subprocess.Popen[bytes] | None = None
        self._homes: list[Path] = []

    def add(self, name: str, run: str, log: str | None = None) -> Path:
        home = self.root / "real" / name
        home.mkdir()
        self._script(home, run)
        if log is not None:
            (home / "log").mkdir()
            self._script(home / "log", log)
        (self.service / name).symlink_to(home)
        return home

    def _script(self, home: Path, text: str) -> None:
        (home / "run").write_text(f"#!/bin/sh\n{text}\n")
        (home / "run").chmod(0o755)
        self._homes.append(home)

    def start(self) -> None:
        # The original's supervises come from PATH.
        path = f"{os.path.dirname(original('supervise'))}:{os.environ['PATH']}"
        with (self.root / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [self._program, "service"], cwd=self.root, env={"PATH": path}, stderr=stderr
            )

    def rescan(self) -> None:
        """To be said to ours alone: the original dies of it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stderr(self) -> str:
        return (self.root / "stderr").read_text()

    def said(self, *names: str) -> str:
        done = run([original("svstat"), *names], cwd=self.service)
        return re.sub(r"\d+", "N", done.stdout.decode())

    def becomes(self, *lines: str) -> None:
        names = [line.split(":")[0] for line in lines]
        wanted = "".join(f"{line}\n" for line in lines)
        eventually(lambda: self.said(*names) == wanted, f"{wanted} (is {self.said(*names)})")

    def svc(self, *arguments: str) -> None:
        assert run([original("svc"), *arguments], cwd=self.service).stderr == b""

    def pid(self, name: str) -> int:
        done = run([original("svstat"), name], cwd=self.service)
        [pid] = re.findall(rb"\(pid (\d+)\)", done.stdout)
        return int(pid)

    def another(self, name: str, pid: int) -> int:
        """The process that took the place of that one."""

        def look() -> int:
            done = run([original("svstat"), name], cwd=self.service)
            pids = [int(found) for found in re.findall(rb"\(pid (\d+)\)", done.stdout)]
            return pids[0] if pids != [pid] and pids else 0

        return eventually(look, f"{name} to be another than {pid}")

    def close(self) -> None:
        """The process first: the original would bring its supervises back."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(TIMEOUT)
        for home in self._homes:
            if home.exists():
                run([ours("svc"), "-dxk", str(home)])
                run([ours("svc"), "--wait=down", "--timeout=30", str(home)])


@pytest.fixture(params=BOTH)
def scanned(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scanned]:
    made = Scanned(tmp_path, request.param)
    yield made
    made.close()


UP = "up (pid N) N seconds"
FOREVER = "exec sleep 1000"


def test_services_and_loggers(scanned: Scanned) -> None:
    """Started, logged, brought down and up; found when they are new; begun anew after -x; gone with their link."""
    log = f"exec {original('multilog')} ./main"
    logged = scanned.add("logged", f"echo a line; {FOREVER}", log)
    scanned.add("plain", FOREVER)
    (scanned.add("idle", FOREVER) / "down").touch()
    (scanned.service / "file").touch()
    (scanned.service / ".hidden").symlink_to(logged)
    (scanned.service / "twice").symlink_to(logged)
    scanned.start()
    scanned.becomes(f"logged: {UP}", f"logged/log: {UP}", f"plain: {UP}", "idle: down N seconds")
    current = logged / "log/main/current"
    eventually(lambda: current.exists() and current.read_text() == "a line\n")
    logger, plain = scanned.pid("logged/log"), scanned.pid("plain")
    scanned.svc("-t", "logged")
    eventually(lambda: current.read_text() == "a line\n" * 2)
    assert scanned.pid("logged/log") == logger
    scanned.svc("-t", "logged/log")
    assert scanned.another("logged/log", logger)
    assert ended(logger)
    scanned.svc("-u", "idle")
    scanned.becomes(f"idle: {UP}, normally down")
    scanned.add("late", FOREVER)
    scanned.becomes(f"late: {UP}")
    # The link is still there: what -x ended is begun anew, as its file `down` says.
    scanned.svc("-dx", "idle", "plain")
    assert scanned.another("plain", plain)
    assert ended(plain)
    scanned.becomes("idle: down N seconds", f"plain: {UP}")
    (scanned.service / "plain").rename(scanned.root / "plain")
    (scanned.service / "twice").unlink()
    (scanned.service / "logged").rename(scanned.root / "logged")
    pids = [scanned.pid("../plain"), scanned.pid("../logged/log")]
    scanned.svc("-dx", "../plain", "../logged", "../logged/log")
    scanned.becomes("../plain: supervise not running", "../logged/log: supervise not running")
    assert all(map(ended, pids))
    scanned.becomes(f"late: {UP}", "idle: down N seconds")


def test_a_renamed_directory_and_a_removed_link_go_on(scanned: Scanned) -> None:
    scanned.add("moved", FOREVER)
    scanned.add("unlinked", FOREVER)
    scanned.start()
    scanned.becomes(f"moved: {UP}", f"unlinked: {UP}")
    pids = [scanned.pid("moved"), scanned.pid("unlinked")]
    (scanned.service / "moved").rename(scanned.service / "renamed")
    (scanned.root / "real/moved").rename(scanned.root / "real/renamed")
    (scanned.service / "renamed").unlink()
    (scanned.service / "renamed").symlink_to(scanned.root / "real/renamed")
    (scanned.service / "unlinked").unlink()
    scanned.add("later", FOREVER)
    scanned.becomes(f"later: {UP}", f"renamed: {UP}", f"../real/unlinked: {UP}")  # a scan has passed
    assert [scanned.pid("renamed"), scanned.pid("../real/unlinked")] == pids
    scanned.svc("-t", "renamed")
    assert scanned.another("renamed", pids[0])
    assert ended(pids[0])
    scanned.becomes(f"renamed: {UP}")
    (scanned.root / "real/renamed").rename(scanned.root / "real/moved")


def test_a_renamed_service_is_begun_anew_under_its_new_name(scanned: Scanned) -> None:
    """And another directory may have the old one at once."""
    scanned.add("one", FOREVER, FOREVER)
    scanned.start()
    scanned.becomes(f"one: {UP}", f"one/log: {UP}")
    (scanned.service / "one").rename(scanned.service / "two")
    other = scanned.add("other", FOREVER)
    (scanned.service / "other").rename(scanned.service / "one")
    scanned.becomes(f"one: {UP}", f"two: {UP}", f"two/log: {UP}")
    before = {name: scanned.pid(name) for name in ("two", "two/log")}
    scanned.svc("-dx", "two", "two/log")
    after = {name: scanned.another(name, pid) for name, pid in before.items()}
    assert all(map(ended, before.values()))
    # Two services, and each has the other's name.
    one = scanned.pid("one")
    (scanned.service / "one").rename(scanned.service / ".one")
    (scanned.service / "two").rename(scanned.service / "one")
    (scanned.service / ".one").rename(scanned.service / "two")
    scanned.add("later", FOREVER)
    scanned.becomes(f"later: {UP}", f"one: {UP}", f"two: {UP}")  # a scan has passed
    assert [scanned.pid("two"), scanned.pid("one"), scanned.pid("one/log")] == [one, *after.values()]
    scanned.svc("-dx", "one", "two")
    assert scanned.another("two", one)
    assert scanned.another("one", after["two"])
    assert scanned.pid("../real/other") == scanned.pid("two")
    assert (scanned.service / "two").readlink() == other


def test_a_link_to_another_directory_is_another_service(scanned: Scanned) -> None:
    """What it led to before goes on until svc -x."""
    scanned.add("old", FOREVER, FOREVER)
    scanned.start()
    scanned.becomes(f"old: {UP}", f"old/log: {UP}")
    pids = [scanned.pid("old"), scanned.pid("old/log")]
    scanned.add("new", FOREVER, FOREVER)
    (scanned.service / "new").rename(scanned.service / "old")
    scanned.becomes(f"old: {UP}", f"old/log: {UP}")
    assert [scanned.pid("../real/old"), scanned.pid("../real/old/log")] == pids
    assert scanned.pid("old") not in pids
    scanned.svc("-dx", "../real/old", "../real/old/log")
    scanned.becomes("../real/old: supervise not running", "../real/old/log: supervise not running")
    scanned.becomes(f"old: {UP}", f"old/log: {UP}")


def test_a_directory_that_cannot_be_entered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for argument in ("nowhere", "file", ""):
        done = [run([program("svscan"), argument], cwd=tmp_path) for program in (original, ours)]
        assert done[0] == done[1]
        assert done[0].status == 111


def test_a_directory_that_another_supervises_is_waited_for(tmp_path: Path) -> None:
    """Ours says so once, and takes it over when it is free: from the original, program by program."""
    scanned = Scanned(tmp_path, "ours")
    home = scanned.add("one", FOREVER)
    other = subprocess.Popen([original("supervise"), home])
    try:
        eventually(lambda: run([original("svok"), str(home)]).status == 0)
        scanned.start()
        line = f"svscan: warning: unable to acquire {scanned.service}/one/supervise/lock: temporary failure"
        eventually(lambda: scanned.stderr().startswith(line))
        scanned.becomes(f"one: {UP}")
        pid = scanned.pid("one")
        scanned.svc("-dx", "one")
        other.wait(TIMEOUT)
        scanned.becomes(f"one: {UP}")
        assert scanned.pid("one") != pid
        assert scanned.stderr().count("\n") == 1
    finally:
        if other.poll() is None:
            other.kill()
            other.wait()
        scanned.close()


def test_a_deleted_directory_is_stopped(tmp_path: Path) -> None:
    """The original's supervise would look for ./run for ever."""
    scanned = Scanned(tmp_path, "ours")
    try:
        home = scanned.add("one", FOREVER)
        scanned.start()
        scanned.becomes(f"one: {UP}")
        pid = scanned.pid("one")

        def removed() -> bool:
            """Not at once while a status is written there."""
            shutil.rmtree(home, ignore_errors=True)
            return not home.exists()

        eventually(removed)

        def over() -> bool:
            scanned.rescan()
            return ended(pid)

        eventually(over)
        assert "one is no longer in the directory: stopping it" in scanned.stderr()
    finally:
        scanned.close()
