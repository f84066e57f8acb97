"""svc --wait: a script needs no sleep. Under the original supervise and under ours."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.run import Outcome, ours, run
from tests.support.supervised import double, make_service, supervised

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ["original", "ours"]
DONE = Outcome(0, b"", b"")
USAGE = b"svc options: u up,"


def program(which: str) -> str:
    return original("supervise") if which == "original" else ours("supervise")


def svc(tmp_path: Path, *arguments: str) -> Outcome:
    return run([ours("svc"), *arguments], cwd=tmp_path)


def pid(tmp_path: Path, name: str = "service") -> int | None:
    found: int | None = json.loads(run([ours("svstat"), "--json", name], cwd=tmp_path).stdout)["pid"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_one_service(tmp_path: Path, which: str) -> None:
    make_service(tmp_path / "service", "#!/bin/sh\nexec sleep 1000\n", down=True)
    with supervised(tmp_path / "service", program(which)):
        assert svc(tmp_path, "--wait=down", "service") == DONE
        assert svc(tmp_path, "-u", "--wait", "up", "--timeout", "30", "service") == DONE
        first = pid(tmp_path)
        assert first
        assert svc(tmp_path, "--wait=ready", "service") == DONE
        assert svc(tmp_path, "-t", "--wait=restart", "--timeout=30", "service") == DONE
        second = pid(tmp_path)
        assert second
        assert second != first
        assert svc(tmp_path, "--wait=down", "--timeout=0.01", "service") == Outcome(
            99, b"", b"svc: warning: service is not down: timed out\n"
        )
        assert svc(tmp_path, "-d", "--wait=down", "service") == DONE
        assert pid(tmp_path) is None
        assert svc(tmp_path, "-x", "--wait=down", "service") == DONE
    assert svc(tmp_path, "--wait=down", "service") == DONE
    assert svc(tmp_path, "--wait=up", "service") == Outcome(
        102, b"", b"svc: warning: service will not be up: supervise not running\n"
    )


@pytest.mark.slow
def test_several_and_any_of_them(tmp_path: Path) -> None:
    make_service(tmp_path / "one", "#!/bin/sh\nexec sleep 1000\n", down=True)
    make_service(tmp_path / "two", "#!/bin/sh\nexec sleep 1000\n")
    with supervised(tmp_path / "one", ours("supervise")), supervised(tmp_path / "two", ours("supervise")):
        assert svc(tmp_path, "--wait=up", "--any", "one", "two") == DONE
        done = svc(tmp_path, "--wait=up", "--timeout=0", "one", "two")
        assert done == Outcome(99, b"", b"svc: warning: one is not up: timed out\n")
        assert svc(tmp_path, "-u", "--wait=up", "one", "two") == DONE
        assert pid(tmp_path, "one")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--wait=soon", "x"], b"--wait takes up, ready, restart or down"),
        (["--wait"], b"option requires an argument -- --wait"),
        (["--wait=up", "--timeout=-1", "x"], b"--timeout takes seconds"),
        (["--wait=up", "--timeout=", "x"], b"--timeout takes seconds"),
        (["--wait=up", "--timeout=1.2.3", "x"], b"--timeout takes seconds"),
        (["--wait=up", "--timeout"], b"option requires an argument -- --timeout"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: list[str], problem: bytes) -> None:
    done = svc(tmp_path, *arguments)
    assert (done.status, done.stdout) == (100, b"")
    assert done.stderr.startswith(b"svc: " + problem + b"\n" + USAGE)


def test_nothing_to_wait_for(tmp_path: Path) -> None:
    assert svc(tmp_path, "--wait=up") == DONE


def test_what_cannot_be_looked_at(tmp_path: Path) -> None:
    done = svc(tmp_path, "--wait=up", "nowhere")
    assert done == Outcome(111, b"", b"svc: fatal: unable to chdir to nowhere: file does not exist\n")
    (tmp_path / "odd/supervise/ok").mkdir(parents=True)
    assert svc(tmp_path, "--wait=up", "odd").status == 111


def test_letters_come_first(tmp_path: Path) -> None:
    with double(tmp_path / "service", bytes(16) + b"\0d") as service:
        assert svc(tmp_path, "-t", "--wait=down", "-h", "service") == DONE
        assert service.heard() == b"th"


@pytest.mark.parametrize("ready", [None, 7, 8])
def test_ready_in_json(tmp_path: Path, ready: int | None) -> None:
    """Of another process than the present one the file says nothing."""
    data = (2**62 + 10).to_bytes(8, "big") + bytes(4) + (7).to_bytes(4, "little") + b"\1d"
    with double(tmp_path / "service", data):
        (tmp_path / "service/notification-fd").write_text("3\n")
        if ready is not None:
            (tmp_path / "service/supervise/ready").write_bytes(data[:12] + ready.to_bytes(4, "little"))
        said = json.loads(run([ours("svstat"), "--json", "service"], cwd=tmp_path).stdout)
        plain = run([ours("svstat"), "service"], cwd=tmp_path).stdout
    assert said.pop("seconds") > 0
    assert (said.pop("ready_seconds") is not None) == (ready == 7)
    assert said == {
        "directory": "service",
        "supervised": True,
        "up": True,
        "pid": 7,
        "since": 0,
        "normally": "up",
        "want": "down",
        "paused": True,
        "finishing": False,
        "ready": ready == 7,
    }
    assert (b", ready " in plain) == (ready == 7)


def test_what_json_says_of_those_that_are_not_supervised(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    odd = os.fsdecode(b"\xff")
    done = run([ours("svstat"), "--json", "plain", "nowhere", b"\xff"], cwd=tmp_path)
    assert done.status == 0
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said == [
        {
            "directory": "plain",
            "supervised": False,
            "error": "unable to open supervise/ok: file does not exist",
        },
        {"directory": "nowhere", "supervised": False, "error": "unable to chdir: file does not exist"},
        {"directory": odd, "supervised": False, "error": "unable to chdir: file does not exist"},
    ]
