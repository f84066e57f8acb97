"""svc beside the original: what the fifo hears, what is said; and how the C supervise takes it.

Not tested: a fifo so full that svc waits for a reader.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import status
from tests.support import processes
from tests.support.chains import both
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.supervised import double, make_service, supervised
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BOTH = ["original", "ours"]
DONE = Outcome(0, b"", b"")


def svc(which: str) -> str:
    return original("svc") if which == "original" else ours("svc")


@pytest.mark.parametrize(
    "options",
    [
        *[[f"-{letter}"] for letter in "udopchaitkx"],
        [], ["-dx"], ["-ud"], ["-du"], ["-u", "-d", "-u"], ["-uuuuu"], ["-udopchaitkx", "-xktiahcpodu"],
        ["-t", "--"], ["-t", "--anything"], ["-t", "-"],
    ],
)  # fmt: skip
def test_what_the_services_hear(tmp_path: Path, options: list[str]) -> None:
    with double(tmp_path / "one") as one, double(tmp_path / "two") as two:
        heard = []
        for which in BOTH:
            done = run([svc(which), *options, "one", "two/../two"], cwd=tmp_path)
            heard.append((done, one.heard(), two.heard()))
    assert heard[0] == heard[1]
    assert heard[1][1] == heard[1][2]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-u"],
        ["-z"],
        ["-uz", "good"],
        ["-u", "-z", "good"],
        ["-u", "good", "-z"],
        ["nowhere"],
        ["-u", "nowhere", "good"],
        ["-u", ""],
        ["-u", "file"],
        ["-u", "loop"],
        ["-u", "plain"],
        ["-u", "file-for-supervise"],
        ["-u", "directory-for-control"],
        ["-u", "loop-for-control"],
        ["-u", "left"],
        ["left"],
        ["-d", "nowhere", "plain", "left", "good", b"\xff", "{}"],
        ["-u", "x" * 300],
    ],
)
def test_arguments(tmp_path: Path, arguments: Sequence[str | bytes]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "plain").mkdir()
    (tmp_path / "file-for-supervise").mkdir()
    (tmp_path / "file-for-supervise" / "supervise").touch()
    (tmp_path / "directory-for-control" / "supervise" / "control").mkdir(parents=True)
    (tmp_path / "loop-for-control" / "supervise").mkdir(parents=True)
    (tmp_path / "loop-for-control" / "supervise" / "control").symlink_to("control")
    with double(tmp_path / "left"):
        pass
    with double(tmp_path / "good") as good:
        heard = []
        for which in BOTH:
            done = run([svc(which), *arguments], cwd=tmp_path)
            heard.append((done, good.heard()))
    assert heard[0] == heard[1]


def test_a_file_in_the_place_of_the_fifo(tmp_path: Path) -> None:
    """Both write over its beginning."""
    control = tmp_path / "service" / "supervise" / "control"
    control.parent.mkdir(parents=True)
    for which in BOTH:
        control.write_bytes(b"0123456789")
        assert run([svc(which), "-dx", str(tmp_path / "service")]) == DONE
        assert control.read_bytes() == b"dx23456789"


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    (tmp_path / "service" / "supervise").mkdir(parents=True)
    (tmp_path / "service" / "supervise" / "control").symlink_to("/dev/full")
    theirs, mine = both("svc", ["-u", "service"], cwd=tmp_path)
    assert mine == theirs
    assert mine.stderr == b"svc: warning: error writing commands to service: out of disk space\n"


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_no_right_to_control(tmp_path: Path) -> None:
    with double(tmp_path / "service"):
        (tmp_path / "service" / "supervise" / "control").chmod(0)
        theirs, mine = both("svc", ["-u", "service"], cwd=tmp_path)
    assert mine == theirs
    assert mine.stderr == b"svc: warning: unable to control service: access denied\n"


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_a_service_under_the_original_supervise(tmp_path: Path, which: str) -> None:
    """Each command once, as an administrator gives them, and what becomes of the service."""
    make_service(tmp_path / "service", down=True)

    def say(options: str) -> None:
        assert run([svc(which), options, "service"], cwd=tmp_path) == DONE

    with supervised(tmp_path / "service") as service:
        assert service.status().pid == 0
        assert service.status().want == status.WANT_DOWN
        say("-u")
        first = service.started()
        assert service.status().want == status.WANT_UP
        say("-hai")
        eventually(lambda: len(service.got()) == 4)
        assert sorted(service.got()[1:]) == ["SIGALRM", "SIGHUP", "SIGINT"]
        say("-p")
        eventually(lambda: processes.state(first) == "T")
        eventually(lambda: service.status().paused)
        say("-c")
        eventually(lambda: processes.state(first) != "T")
        eventually(lambda: not service.status().paused)
        say("-t")
        eventually(lambda: service.got().count("start") == 2)
        second = eventually(lambda: service.status().pid != first and service.status().pid)
        say("-o")
        eventually(lambda: service.status().want == status.WANT_NOTHING)
        say("-k")
        eventually(lambda: service.status().pid == 0)
        assert ended(second)
        say("-u")
        eventually(lambda: service.got().count("start") == 3)
        eventually(lambda: service.status().pid)  # it may say so after the service does
        say("-d")
        eventually(lambda: service.status().pid == 0)
        assert service.status().want == status.WANT_DOWN
        assert service.got()[-1] == "SIGTERM"
        say("-x")
        assert service.process.wait(TIMEOUT) == 0
        done = run([svc(which), "-u", "service"], cwd=tmp_path)
        assert done.stderr == b"svc: warning: unable to control service: supervise not running\n"


@pytest.mark.parametrize("which", BOTH)
def test_a_starting_directory_that_cannot_be_opened(tmp_path: Path, which: str) -> None:
    if os.getuid() == 0:
        pytest.skip("root may open everything")
    (tmp_path / "closed").mkdir()
    with double(tmp_path / "service") as service:
        try:
            done = subprocess.run(
                ["sh", "-c", 'cd closed && chmod 300 . && exec "$0" -u ../service', svc(which)],
                cwd=tmp_path,
                capture_output=True,
                check=False,
            )
        finally:
            (tmp_path / "closed").chmod(0o700)
        assert service.heard() == b""
    assert (done.returncode, done.stderr) == (
        111,
        b"svc: fatal: unable to open current directory: access denied\n",
    )
