"""The part that both spawners share, with deliveries of the test's own.

Not tested: a system without descriptors or processes to be had, but for limits set here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import spawn
from smarthost.server import delivering, spawner
from tests.support.spawning import Spawning
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

# The recipient's local part says what the delivery does.
TOY = """
import os, sys, time
from smarthost.server import delivering, spawner

def run(sender, recipient):
    words = recipient.rpartition(b"@")[0].split(b" ")
    if words[0] == b"say":
        os.write(1, words[1] * int(words[2]))
        return int(words[3])
    if words[0] == b"read":
        os.write(2, os.read(0, 1000))
        return 0
    if words[0] == b"look":
        os.write(1, (" ".join(sorted(os.listdir("/proc/self/fd"))) + "\\n").encode())
        with open("/proc/self/status") as status:
            os.write(1, "".join(line for line in status if line.startswith("Sig")).encode())
        return 0
    if words[0] == b"crash":
        os.kill(os.getpid(), 9)
    if words[0] == b"wait":
        os.close(1)
        os.close(2)
        os.open(words[1], os.O_RDONLY)
        return 0
    if words[0] == b"background":
        os.write(1, b"early")
        if not os.fork():
            os.open(words[1], os.O_RDONLY)
            os.write(1, b"late")
            os._exit(0)
        return 0
    raise ValueError

def report(wait_status, output):
    return b"%d %b" % (wait_status, output)

os.chdir(sys.argv[1])
def start(message, output, sender, recipient):
    return delivering.fork(message, output, lambda: run(sender, recipient))

raise SystemExit(spawner.Spawner(start, report, int(sys.argv[2])).serve())
"""

MESSAGE = b"Subject: x\n\nbody\n"


def toy(directory: Path, longest: int = 0, limit: tuple[str, int] | None = None) -> Spawning:
    (directory / "mess/0").mkdir(parents=True, exist_ok=True)
    (directory / "mess/0/1").write_bytes(MESSAGE)
    argv = [sys.executable, "-c", TOY, str(directory / "mess"), str(longest)]
    if limit is not None:
        argv = ["prlimit", f"--{limit[0]}={limit[1]}", *argv]
    started = Spawning(argv)
    assert started.concurrency() == spawn.CONCURRENCY
    return started


def test_deliveries_side_by_side(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        for number in range(spawn.CONCURRENCY):
            started.ask(number, b"0/1", b"joe@x", b"say %d 1 0@y" % number)
        assert started.reports(spawn.CONCURRENCY) == {
            number: b"0 %d" % number for number in range(spawn.CONCURRENCY)
        }
        assert started.end() == (0, b"")
        assert started.stderr() == b""


def test_it_has_the_message_as_its_input(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        started.ask(3, b"0/1", b"", b"read@y")
        assert started.report() == (3, b"0 " + MESSAGE)


def test_nothing_else_is_open_and_no_signal_is_blocked(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        for number in (1, 2):
            started.ask(number, b"0/1", b"", b"look@y")
        for text in started.reports(2).values():
            descriptors, *said = text.decode().splitlines()
            assert descriptors == "0 0 1 2 3", (
                "the status, then what is open: the last is the directory itself"
            )
            masks = dict(line.split() for line in said)
            assert int(masks["SigBlk:"], 16) == 0
            assert int(masks["SigCgt:"], 16) == 1 << signal.SIGINT - 1, "as at the start of a Python"


def test_how_it_ended(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        started.ask(0, b"0/1", b"", b"say x 1 111@y")
        assert started.report() == (0, b"28416 x")
        started.ask(0, b"0/1", b"", b"crash@y")
        assert started.report() == (0, b"9 ")
        started.ask(0, b"0/1", b"", b"nonsense@y")
        number, text = started.report()
        assert (number, text[:6]) == (0, b"28416 ")


def test_it_is_over_when_process_and_pipe_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    with toy(tmp_path) as started:
        for number, word in enumerate((b"wait", b"background")):
            started.ask(number, b"0/1", b"", b"%b %b@y" % (word, bytes(tmp_path / "gate")))
        started.ask(9, b"0/1", b"", b"say x 1 0@y")
        assert started.report() == (9, b"0 x")
        started.ask(0, b"0/1", b"", b"say x 1 0@y")
        assert started.report() == (0, spawn.NUMBER_IN_USE)
        descriptor = os.open(tmp_path / "gate", os.O_WRONLY)
        assert started.reports(2) == {0: b"0 ", 1: b"0 earlylate"}
        os.close(descriptor)


def test_it_waits_for_its_deliveries_when_commands_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    with toy(tmp_path) as started:
        started.ask(5, b"0/1", b"", b"wait %b@y" % bytes(tmp_path / "gate"))
        started.send(b"\x060/1\0cut off")
        assert started.process.stdin is not None
        started.process.stdin.close()
        descriptor = os.open(tmp_path / "gate", os.O_WRONLY)
        assert started.end() == (0, b"\x050 \0")
        os.close(descriptor)


def test_deliveries_go_on_when_nobody_reads_the_reports(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    with toy(tmp_path) as started:
        assert started.process.stdout is not None
        started.process.stdout.close()
        started.ask(0, b"0/1", b"", b"say x 1 0@y")
        started.ask(1, b"0/1", b"", b"wait %b@y" % bytes(tmp_path / "gate"))
        descriptor = os.open(tmp_path / "gate", os.O_WRONLY)
        for number in (2, 3):
            os.mkfifo(tmp_path / f"gate{number}")
            started.ask(number, b"0/1", b"", b"wait %b@y" % bytes(tmp_path / f"gate{number}"))
            os.close(os.open(tmp_path / f"gate{number}", os.O_WRONLY))
        assert started.process.stdin is not None
        started.process.stdin.close()
        os.close(descriptor)
        assert started.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("file", "recipient", "text"),
    [
        (b"0/2", b"read@y", spawner.UNABLE_TO_OPEN),
        (b"0", b"read@y", spawner.WRONG_TYPE),
        (b"0/../../x", b"read@y", spawn.FILE_NOT_NUMERIC),
        (b"0/1", b"read", spawn.NO_HOST),
        (b"0/1", b"x" * 70000 + b"@y", spawn.TOO_MUCH),
    ],
)
def test_what_is_refused(file: bytes, recipient: bytes, text: bytes, tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        started.ask(4, file, b"", recipient)
        assert started.report() == (4, text)
        started.ask(4, b"0/1", b"", b"say x 1 0@y")
        assert started.report() == (4, b"0 x")


def test_a_number_beyond_the_limit(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        for number in (spawn.CONCURRENCY, 255):
            started.ask(number, b"0/1", b"", b"read@y")
            assert started.report() == (number, spawn.NUMBER_TOO_BIG)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_message_of_somebody_else(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        os.chown(tmp_path / "mess/0/1", 12345, 12345)
        started.ask(0, b"0/1", b"", b"read@y")
        assert started.report() == (0, spawner.WRONG_OWNER)


@pytest.mark.parametrize(("limit", "texts"), [("nofile", {spawner.NO_PIPE, spawner.UNABLE_TO_OPEN})])
def test_shortages(limit: str, texts: set[bytes], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    with toy(tmp_path, limit=(limit, 20)) as started:
        for number in range(30):
            started.ask(number, b"0/1", b"", b"wait %b@y" % bytes(tmp_path / "gate"))
        number, text = started.report()
        assert text in texts
        while number < 29:
            number, text = started.report()
            assert text in texts
        descriptor = os.open(tmp_path / "gate", os.O_WRONLY)
        status, said = started.end()
        os.close(descriptor)
        assert status == 0
        assert said.count(b"0 \0") >= 5


def test_a_long_output_is_cut(tmp_path: Path) -> None:
    with toy(tmp_path, 3000) as started:
        started.ask(0, b"0/1", b"", b"say x 3000 0@y")
        assert started.report() == (0, b"0 " + b"x" * 3000)
        started.ask(0, b"0/1", b"", b"say x 3001 0@y")
        assert started.report() == (0, b"0 " + b"x" * 2966 + delivering.CUT)
        started.ask(0, b"0/1", b"", b"say x 5000000 0@y")
        assert started.report() == (0, b"0 " + b"x" * 2966 + delivering.CUT)


def test_an_output_is_bounded(tmp_path: Path) -> None:
    with toy(tmp_path) as started:
        started.ask(0, b"0/1", b"", b"say x 3000000 0@y")
        assert started.report() == (0, b"0 " + b"x" * delivering.OUTPUT_LIMIT)


def test_standard_input_may_be_nothing_at_all(tmp_path: Path) -> None:
    (tmp_path / "mess").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", TOY, str(tmp_path / "mess"), "0"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, bytes((spawn.CONCURRENCY,)), b"")
