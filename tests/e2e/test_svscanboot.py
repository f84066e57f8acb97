"""svscanboot: what it starts, with which environment, and how it ends.

Not tested: /service and /etc/service, which belong to the machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.engine import lines
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import BIN, TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def titles() -> list[str]:
    """The command lines of all readproctitles."""
    found = (b" ".join(processes.command_line(pid)).decode(errors="replace") for pid in processes.all_there())
    return [line for line in found if "service errors:" in line]


def test_it_starts_everything_and_ends_it_in_order(tmp_path: Path) -> None:
    service = tmp_path / "service" / "one"
    service.mkdir(parents=True)
    (service / "run").write_text(
        "#!/bin/sh\nenv >../../environment; readlink /proc/self/fd/0 >../../stdin\n"
        f"echo cannot do without {tmp_path.name} >&2; echo $$ >../../pid; exec sleep 1000\n"
    )
    (service / "run").chmod(0o755)
    process = subprocess.Popen([ours("svscanboot"), str(tmp_path / "service")], env={"ODD": "given"})
    try:
        pid = int(eventually(lambda: lines(tmp_path / "pid"))[0])
        environment = dict(line.split("=", 1) for line in lines(tmp_path / "environment"))
        assert set(environment) <= {"PATH", "PWD", "OLDPWD", "_", "SHLVL"}
        assert environment["PATH"].startswith(f"{BIN}:/command:/usr/local/bin:")
        assert lines(tmp_path / "stdin") == ["/dev/null"]
        eventually(lambda: any(f"cannot do without {tmp_path.name}" in title for title in titles()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert ended(pid)
    finally:
        process.kill()
        process.wait()


def test_what_another_supervises_is_told_to_end(tmp_path: Path) -> None:
    service = tmp_path / "service" / "one"
    service.mkdir(parents=True)
    (service / "run").write_text("#!/bin/sh\nexec sleep 1000\n")
    (service / "run").chmod(0o755)
    other = subprocess.Popen([original("supervise"), service])
    try:
        eventually(lambda: run([original("svok"), str(service)]).status == 0)
        process = subprocess.Popen([ours("svscanboot"), str(tmp_path / "service")])
        try:
            assert other.wait(TIMEOUT) == 0
            eventually(lambda: b": up (pid" in run([original("svstat"), str(service)]).stdout)
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
            process.wait()
    finally:
        other.kill()
        other.wait()


def test_arguments() -> None:
    done = run([ours("svscanboot"), "a", "b"])
    assert (done.status, done.stderr) == (100, b"svscanboot: usage: svscanboot [ dir ]\n")


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """Its words are in ps alone."""
    assert run([ours("svscanboot"), os.fspath(tmp_path / "none")]).status == 111
