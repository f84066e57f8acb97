"""Which process is that?"""

from __future__ import annotations

import os
import select
import subprocess

from smarthost.unix import procs


def test_a_process_is_told_by_its_start() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    try:
        start = procs.started(child.pid)
        assert start > 0
        assert procs.take_hold(child.pid, start + 1) is None
        assert procs.take_hold(child.pid, procs.NO_START) is None
        held = procs.take_hold(child.pid, start)
        assert held is not None
        assert not select.select([held], [], [], 0)[0]
        assert not os.get_inheritable(held)
        child.kill()
        assert select.select([held], [], [], 30)[0]
        # A zombie is over.
        assert procs.started(child.pid) == procs.NO_START
        os.close(held)
    finally:
        child.kill()
        child.wait()
    assert procs.started(child.pid) == procs.NO_START
    assert procs.take_hold(child.pid, start) is None


def test_a_name_with_brackets(tmp_path: os.PathLike[str]) -> None:
    program = os.path.join(tmp_path, "a) Z (b")
    os.symlink("/bin/sleep", program)
    child = subprocess.Popen([program, "1000"])
    try:
        assert procs.started(child.pid) > 0
    finally:
        child.kill()
        child.wait()


def test_the_start_of_the_system() -> None:
    assert len(procs.boot_id()) == 36
