"""svstat beside the original: each line, and each way in which there can be none."""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smarthost.formats import status, tai64
from tests.support.chains import both
from tests.support.originals import original
from tests.support.run import Outcome, ours, run
from tests.support.supervised import double, make_service, supervised
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

LATER = tai64.EPOCH + 2**40  # shown as 0 seconds, whenever


def unclocked(outcome: Outcome) -> Outcome:
    return Outcome(outcome.status, re.sub(rb"\d+ seconds", b"N seconds", outcome.stdout), outcome.stderr)


def test_every_state(tmp_path: Path) -> None:
    names = []
    with ExitStack() as stack:
        for pid, paused, want, down in product(
            [0, 1, 65536, 2**32 - 1], [0, 1, 255], [b"u", b"d", b"\0", b"x"], [False, True]
        ):
            names.append(f"{pid} {paused} {want!r} {down}")
            data = LATER.to_bytes(8, "big") + bytes(4) + pid.to_bytes(4, "little") + bytes([paused]) + want
            stack.enter_context(double(tmp_path / names[-1], data))
            if down:
                (tmp_path / names[-1] / "down").touch()
        theirs, mine = both("svstat", names, cwd=tmp_path)
    assert mine == theirs
    lines = mine.stdout.splitlines()
    assert lines[0] == b"0 0 b'u' False: down 0 seconds, normally up, want up"
    assert lines[-3] == b"4294967295 255 b'\\x00' True: up (pid 4294967295) 0 seconds, normally down, paused"
    assert len(set(lines)) == len(names) == 96


@pytest.mark.parametrize("ago", [0, 1, 3600, 10**9])
def test_seconds(tmp_path: Path, ago: int) -> None:
    since = tai64.EPOCH + int(time.time()) - ago
    with double(tmp_path / "service", status.pack(status.Status(since, 0, 7))):
        theirs, mine = both("svstat", ["service"], cwd=tmp_path)
    assert unclocked(mine) == unclocked(theirs)
    seconds = int(mine.stdout.split()[4])
    assert ago <= seconds <= ago + 60


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rest=st.binary(min_size=10, max_size=30), high=st.sampled_from([0x40, 0x41, 0x7F, 0x80, 0xFF]))
@pytest.mark.slow
def test_any_bytes(tmp_path: Path, rest: bytes, high: int) -> None:
    service = tmp_path / "service"
    data = bytes([high]) + b"\1" + bytes(6) + rest
    with double(service, data):
        theirs, mine = both("svstat", ["service"], cwd=tmp_path)
    (service / "supervise" / "ok").unlink()
    (service / "supervise" / "control").unlink()
    (service / "supervise" / "status").unlink()
    (service / "supervise").rmdir()
    service.rmdir()
    assert mine == theirs


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nowhere"],
        [""],
        ["file"],
        ["loop"],
        ["plain"],
        ["left"],
        ["no-status"],
        ["short"],
        ["empty"],
        ["fifo"],
        ["loop-for-down"],
        ["loop-for-status"],
        ["file-for-supervise"],
        ["directory-for-ok"],
        ["-x"],
        ["--", "good"],
        [b"\xff"],
        ["good", "nowhere", "good/../good", "left", "short", "good"],
        ["good", *["nowhere"] * 300],
    ],
)
def test_arguments(tmp_path: Path, arguments: list[str | bytes]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "plain").mkdir()
    (tmp_path / "file-for-supervise").mkdir()
    (tmp_path / "file-for-supervise" / "supervise").touch()
    (tmp_path / "directory-for-ok" / "supervise" / "ok").mkdir(parents=True)
    with double(tmp_path / "left", bytes(18)):
        pass
    whole = status.pack(status.Status(LATER, 5, 99, paused=True, want=b"d"))
    with (
        double(tmp_path / "good", whole + b"more"),
        double(tmp_path / "no-status"),
        double(tmp_path / "short", whole[:17]),
        double(tmp_path / "empty", b""),
        double(tmp_path / "fifo") as fifo,
        double(tmp_path / "loop-for-down", whole),
        double(tmp_path / "loop-for-status") as looped,
    ):
        os.mkfifo(fifo.status)
        looped.status.symlink_to("status")
        (tmp_path / "loop-for-down" / "down").symlink_to("down")
        theirs, mine = both("svstat", arguments, cwd=tmp_path)
    assert mine == theirs
    assert mine.status == 0


def test_a_status_that_cannot_be_read(tmp_path: Path) -> None:
    """The original goes on with what it read last, or zeros. Differs says so."""
    with double(tmp_path / "service") as service:
        service.status.mkdir()
        theirs, mine = both("svstat", ["service"], cwd=tmp_path)
    assert unclocked(theirs).stdout == b"service: down N seconds, normally up\n"
    assert mine == Outcome(0, b"service: unable to read supervise/status: is a directory\n", b"")


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
@pytest.mark.parametrize("file", ["ok", "status", "."])
def test_no_right_to_ask(tmp_path: Path, file: str) -> None:
    with double(tmp_path / "service", bytes(18)):
        target = tmp_path / "service" / "supervise" / file
        target.chmod(0)
        try:
            theirs, mine = both("svstat", ["service"], cwd=tmp_path)
        finally:
            target.chmod(0o700)
    assert mine == theirs
    assert mine.stdout.endswith(b": access denied\n")


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "| true"])
def test_nobody_to_tell(tmp_path: Path, redirect: str) -> None:
    outcomes = [
        run(["sh", "-c", f'"$0" nowhere {redirect}', program], cwd=tmp_path)
        for program in (original("svstat"), ours("svstat"))
    ]
    assert outcomes[0] == outcomes[1] == Outcome(0, b"", b"")


@pytest.mark.slow
@pytest.mark.parametrize("down", [False, True])
def test_under_the_original_supervise(tmp_path: Path, down: bool) -> None:
    make_service(tmp_path / "service", down=down)

    def check(words: bytes) -> None:
        def said() -> bool:
            """By both: between them the service may have gone on."""
            said = {re.sub(rb"\d+", b"N", done.stdout) for done in both("svstat", ["service"], cwd=tmp_path)}
            return said == {b"service: " + words + b"\n"}

        eventually(said)

    def say(options: str) -> None:
        assert run([ours("svc"), options, "service"], cwd=tmp_path).stderr == b""

    usual = b"up (pid N) N seconds" + (b", normally down" if down else b"")
    rest = b"down N seconds" + (b"" if down else b", normally up")
    with supervised(tmp_path / "service") as service:
        if down:
            check(rest)
            say("-u")
        service.started()
        check(usual)
        say("-p")
        check(usual + b", paused")
        say("-c")
        check(usual)
        say("-d")
        check(rest)
    check(b"supervise not running")
