"""The supervision engine on a temporary directory of services."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self, TypeVar

import pytest

from tests.support import logs, processes
from tests.support.run import BIN, TIMEOUT
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

T = TypeVar("T")


def lines(file: Path) -> list[str]:
    """None of a file that is not there, or not any more: a logger renames its own."""
    try:
        return file.read_text().splitlines()
    except FileNotFoundError:
        return []


# In a service's script, without a process of its own: when this one was started.
SAY_WHEN = 'read -r stat </proc/self/stat; echo "$stat" >>$ROOT/starts'


def starts(root: Path) -> list[float]:
    """In seconds after the machine, as the kernel knows them: a shell may take its time to say it."""
    ticks = [int(line.rpartition(")")[2].split()[19]) for line in lines(root / "starts")]
    return [tick / os.sysconf("SC_CLK_TCK") for tick in ticks]


def program(name: str) -> str:
    """Our program, else the original."""
    found = shutil.which(name, path=f"{BIN}:{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


class Engine:
    """root/service is scanned, root/real holds the directories, root/NAME.log what a toy writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.service = root / "service"
        self.real = root / "real"
        self.service.mkdir()
        self.real.mkdir()
        self.configuration: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.stderr = root / "stderr"
        self._leftovers: set[int] = set()

    def add(self, name: str, run: str, log: str | None = None, *, down: bool = False) -> Path:
        """A service under root/real, linked once it is whole."""
        home = self.real / name
        home.mkdir()
        self.script(home / "run", run)
        if log is not None:
            (home / "log").mkdir()
            self.script(home / "log" / "run", log)
        if down:
            (home / "down").touch()
        (self.service / name).symlink_to(home)
        return home

    def script(self, file: Path, text: str) -> None:
        file.write_text(f"#!/bin/sh\nROOT={self.root}\n{text}\n")
        file.chmod(0o755)

    def multilog(self, name: str) -> str:
        """The text of a log/run that logs into root/NAME-log."""
        return f"exec {program('multilog')} {self.root}/{name}-log"

    def logged(self, name: str) -> list[str]:
        """All that is in root/NAME-log, oldest first."""
        return [line.decode() for line in logs.lines(self.root / f"{name}-log")]

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "smarthost.supervision", str(self.service)]
        if self.configuration is not None:
            argv.append(str(self.configuration))
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **environment},
            )
        return self.process

    def rescan(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def pid(self, file: str) -> int:
        """The number that a toy wrote into root/FILE with `echo $$ >$ROOT/FILE`."""
        pid = int(eventually(lambda: lines(self.root / file))[0])
        self._leftovers.add(pid)
        return pid

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        for pid in self._leftovers:
            if str(self.root) in processes.directory(pid):
                processes.kill(pid)
        if error is None and self.stderr.exists():
            assert b"internal error" not in self.stderr.read_bytes()
