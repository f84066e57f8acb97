"""unixclient beside the original of ucspi-unix, each at a server of ours.

Not tested: nothing known.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.servers import serving_at

if TYPE_CHECKING:
    from pathlib import Path

SHOW = (
    "cat <&6; env | LC_ALL=C sort | grep -E '^(PROTO|UNIX|KEPT)' | sed s/PID=$$/PID=own/; "
    "ls -l /proc/self/fd | sed 's/.* \\([0-9]*\\) -> \\([a-z]*\\).*/\\1 \\2/' | sort; "
    "grep ^Sig[BI] /proc/self/status"
)


def both() -> list[str]:
    return [original("unixclient"), ours("unixclient")]


def test_what_the_program_finds(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "socket", "echo", "hello"], tmp_path) as server:
        theirs, own = (
            run(
                [program, "socket", "sh", "-c", SHOW],
                env={"UNIXLOCALPID": "stale", "PROTO": "stale", "KEPT": "kept"},
                cwd=tmp_path,
            )
            for program in both()
        )
        assert own == theirs
        assert own.stdout.startswith(b"hello\nKEPT=kept\nPROTO=UNIX\nUNIXLOCALGID=")
        assert re.search(rb"^UNIXREMOTEPID=%d$" % server.process.pid, own.stdout, re.MULTILINE)


def test_both_directions_and_the_status(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "socket", "head", "-n1"], tmp_path):
        for program in both():
            outcome = run(
                [program, "./socket", "sh", "-c", "echo there and back >&7; cat <&6; exit 9"], cwd=tmp_path
            )
            assert outcome == Outcome(9, b"there and back\n", b"")


@pytest.mark.parametrize("taken", [[], [6], [7], [6, 7]], ids=str)
def test_descriptors_that_are_already_open(taken: list[int], tmp_path: Path) -> None:
    """What lies on 6 or 7 goes; the connection's own number may be one of them."""
    opened = " ".join(f"{number}</dev/null" for number in {3, 4, 5, *taken})
    with serving_at("socket", [ours("unixserver"), "socket", "echo", "hello"], tmp_path):
        for program in both():
            done = subprocess.run(
                [
                    "sh",
                    "-c",
                    f'exec {opened}; exec "$1" socket sh -c "cat <&6; ls /proc/self/fd"',
                    "-",
                    program,
                ],
                cwd=tmp_path,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
            assert done.stdout.split() == [b"hello", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"]


@pytest.mark.slow
def test_what_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with serving_at("socket", [ours("unixserver"), "socket", "true"], tmp_path):
        for arguments, status, words in (
            ([], 100, "usage: unixclient socket program"),
            (["socket"], 100, "usage: unixclient socket program"),
            (["none", "true"], 111, "fatal: unable to connect to none: file does not exist"),
            (["file", "true"], 111, "fatal: unable to connect to file: connection refused"),
            (["", "true"], 111, "fatal: unable to connect to : file does not exist"),
            (["socket", "./none"], 111, "fatal: unable to run ./none: file does not exist"),
        ):
            theirs, own = (run([program, *arguments], cwd=tmp_path) for program in both())
            assert own == Outcome(status, b"", f"unixclient: {words}\n".encode())
            assert theirs.status == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root may connect to anything")
def test_a_socket_that_one_may_not_write_to(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "-p", "400", "socket", "true"], tmp_path):
        outcome = run([ours("unixclient"), "socket", "true"], cwd=tmp_path)
        assert outcome == Outcome(
            111, b"", b"unixclient: fatal: unable to connect to socket: access denied\n"
        )
