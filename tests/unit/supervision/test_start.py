"""How ./run is started: who it is stands in the record before exec, while the lock is still held.

Not tested: a process table that is full.
"""

from __future__ import annotations

import fcntl
import os
import sys
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import lastchild
from smarthost.supervision.start import Starter
from smarthost.unix import procs
from tests.support import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Place:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        self.record = os.open(directory / "child", os.O_RDWR | os.O_CREAT, 0o600)
        self.lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.starter = Starter({}, null=True)

    def run(self, text: str) -> None:
        (self.directory / "run").write_text(f"#!/bin/sh\n{text}\n")
        (self.directory / "run").chmod(0o755)

    def start(self, places: dict[int, int] | None = None) -> int:
        return self.starter.start(self.home, [b"./run"], places or {}, record=self.record, kind=lastchild.RUN)

    def close(self) -> None:
        for descriptor in (self.home, self.record, self.lock):
            os.close(descriptor)
        self.starter.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_who_it_is_stands_in_the_record(place: Place) -> None:
    place.run("echo $$ >pid; exec sleep 1000")
    pid = place.start()
    try:
        child = lastchild.unpack((place.directory / "child").read_bytes())
        assert (child.kind, child.pid, child.boot) == (lastchild.RUN, pid, procs.boot_id())
        assert child.started == procs.started(pid) != procs.NO_START
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_until_exec_the_lock_is_held(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the child, in the place of exec: what would another engine find if this one were dead by now?"""

    def instead(_program: bytes, _argv: list[bytes], _environ: object) -> None:
        written = lastchild.unpack((place.directory / "child").read_bytes()).pid == os.getpid()
        # A flock is there for as long as one descriptor of it is open anywhere: this is the child's own.
        held = os.path.samestat(os.fstat(place.lock), os.stat(place.directory / "lock"))
        (place.directory / "found").write_text(f"{written} {held}")
        os._exit(0)

    monkeypatch.setattr(os, "execve", instead)
    pid = place.start()
    os.waitpid(pid, 0)
    assert (place.directory / "found").read_text() == "True True"


@pytest.mark.parametrize(("text", "name"), [("#!/nonexistent", "FileNotFoundError"), ("nothing", "OSError")])
def test_why_it_cannot_be_started(place: Place, text: str, name: str) -> None:
    place.run("")
    (place.directory / "run").write_text(text)
    before = processes.children(os.getpid())  # some other test's, perhaps
    with pytest.raises(OSError) as failure:
        place.start()
    assert type(failure.value).__name__ == name
    assert set(processes.children(os.getpid())) <= set(before), "it was not waited for"


def test_a_place_where_one_of_ours_lies(place: Place) -> None:
    place.run("")
    text = f"#!{sys.executable} -IS\nimport os\nos.write({place.record}, b'ready\\n')\n"
    (place.directory / "run").write_text(text)
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        pid = place.start({place.record: writing})
        os.close(writing)
        assert pipe.read() == b"ready\n"
    assert os.waitpid(pid, 0)[1] == 0
    assert lastchild.unpack((place.directory / "child").read_bytes()).pid == pid
