"""pgrphack beside the original."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.chains import UNCHANGED, both
from tests.support.originals import original
from tests.support.run import ours, run

# Whether a process leads its group and its session, from the fields of proc(5)'s stat.
LEADS = (
    "read pid comm state ppid group session rest </proc/self/stat; echo $((pid == group)) $((pid == session))"
)


@pytest.mark.parametrize("name", ["original", "ours"])
def test_a_group_and_a_session_of_its_own(name: str) -> None:
    program = original("pgrphack") if name == "original" else ours("pgrphack")
    assert run(["sh", "-c", LEADS]).stdout == b"0 0\n"
    assert run([program, "sh", "-c", LEADS]).stdout == b"1 1\n"


@pytest.mark.parametrize("name", ["original", "ours"])
def test_who_leads_a_group_already_stays_in_its_session(name: str) -> None:
    program = original("pgrphack") if name == "original" else ours("pgrphack")
    done = subprocess.run([program, "sh", "-c", LEADS], capture_output=True, check=True, process_group=0)
    assert done.stdout == b"1 0\n"


@pytest.mark.parametrize("child", UNCHANGED)
def test_nothing_else_is_changed(child: list[str]) -> None:
    theirs, mine = both("pgrphack", child)
    assert mine == theirs
    assert mine.status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-program"],
        ["/etc/passwd"],
        [""],
        ["-x"],
        ["--", "true"],
        ["sh", "-c", "exit 7"],
        ["sh", "-c", "kill -9 $$"],
        ["env"],
    ],
)
def test_arguments(arguments: list[str]) -> None:
    theirs, mine = both("pgrphack", arguments)
    assert mine == theirs
