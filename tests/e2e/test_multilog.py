"""What multilog has beyond the original, with real pipes, processes and signals."""

from __future__ import annotations

import fcntl
import gzip
import os
import random
import re
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.logs import lines
from tests.support.originals import original
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNTIL_GO = "until test -e ../go; do sleep 0.02; done"
TAI64N = rb"@4[0-9a-f]{23} "
ISO = rb"2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z "


@contextmanager
def multilog(place: Path, *script: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [ours("multilog"), *script], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def tell(child: subprocess.Popen[bytes], text: bytes) -> None:
    assert child.stdin
    child.stdin.write(text)
    child.stdin.flush()


def names(main: Path, ending: str) -> list[str]:
    return sorted(path.name for path in main.glob(f"@*{ending}"))


def current(main: Path) -> bytes:
    try:
        return (main / "current").read_bytes()
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [(["i"], ISO), (["t", "i"], TAI64N + ISO), (["i", "t"], ISO + TAI64N), (["t"], TAI64N)],
)
def test_stamps(tmp_path: Path, stamps: list[str], expected: bytes) -> None:
    done = run([ours("multilog"), *stamps, "pweb: ", "e", "./main"], b"one\ntwo\n", cwd=tmp_path)
    assert re.fullmatch(expected + b"web: one\n" + expected + b"web: two\n", done.stderr)
    assert current(tmp_path / "main") == done.stderr


def test_long_lines_and_full_files_with_a_prefix(tmp_path: Path) -> None:
    text = b"".join(b"%d %s\n" % (number, b"x" * (number % 1500)) for number in range(400))
    assert run([ours("multilog"), "n1000", "s4096", "pweb: ", "./main"], text, cwd=tmp_path).status == 0
    assert lines(tmp_path / "main") == [b"web: " + line for line in text.splitlines()]


def test_a_file_is_finished_at_its_age_though_no_line_comes(tmp_path: Path) -> None:
    main = tmp_path / "main"
    with multilog(tmp_path, "a1", "./main") as child:
        tell(child, b"one\n")
        [old] = eventually(lambda: names(main, ".s"), "the old file")
        assert (main / old).read_bytes() == b"one\n"
        tell(child, b"two\n")
        eventually(lambda: len(names(main, ".s")) == 2, "the next one")
        child.communicate(timeout=TIMEOUT)
    assert child.returncode == 0
    assert current(main) == b""
    assert lines(main) == [b"one", b"two"]


def test_age_is_counted_on_by_the_next_start(tmp_path: Path) -> None:
    main = tmp_path / "main"
    assert run([ours("multilog"), "a1000", "./main"], b"one\n", cwd=tmp_path).status == 0
    inode, since = (main / "begun").read_text().split()
    assert int(inode) == (main / "current").stat().st_ino
    assert run([ours("multilog"), "a1000", "./main"], b"two\n", cwd=tmp_path).status == 0
    assert current(main) == b"one\ntwo\n"
    (main / "begun").write_text(f"{inode} {int(since) - 1000 * 10**9}\n")
    assert run([ours("multilog"), "a1000", "./main"], b"three\n", cwd=tmp_path).status == 0
    [old] = names(main, ".s")
    assert (main / old).read_bytes() == b"one\ntwo\n"
    assert current(main) == b"three\n"


@pytest.mark.parametrize("program", ["ours", "original"])
def test_the_total_takes_the_oldest_and_never_current(tmp_path: Path, program: str) -> None:
    """Also from what another multilog left."""
    main = tmp_path / "main"
    text = b"".join(b"%04d %s\n" % (number, b"x" * 90) for number in range(300))
    first = ours("multilog") if program == "ours" else original("multilog")
    assert run([first, "n1000", "s4096", "./main"], text, cwd=tmp_path).status == 0
    before = lines(main)
    assert before == text.splitlines()
    newest = current(main)
    assert run([ours("multilog"), "n1000", "s4096", "S9000", "./main"], cwd=tmp_path).status == 0
    sizes = [(main / name).stat().st_size for name in names(main, ".s")]
    assert 9000 - 4096 <= sum(sizes) <= 9000
    assert lines(main) == before[-len(lines(main)) :]
    assert run([ours("multilog"), "n1000", "s4096", "S1", "./main"], cwd=tmp_path).status == 0
    assert names(main, ".s") == []
    assert current(main) == newest


def test_the_log_does_not_wait_for_a_processor_in_the_background(tmp_path: Path) -> None:
    main = tmp_path / "main"
    with multilog(tmp_path, "s4096", "n100", f"b{UNTIL_GO}; gzip", "./main") as child:
        text = b"".join(b"%04d %s\n" % (number, b"x" * 90) for number in range(100))
        tell(child, text)
        eventually(lambda: b"0099" in current(main), "the last line")
        assert len(names(main, ".w")) > 1
        assert names(main, ".s") == []
        assert lines(main) == text.splitlines()
        (tmp_path / "go").touch()
        eventually(lambda: not names(main, ".w"), "the processor")
        tell(child, b"end\n")
        child.communicate(timeout=TIMEOUT)
    assert child.returncode == 0
    unpacked = b"".join(gzip.decompress((main / name).read_bytes()) for name in names(main, ".s"))
    assert unpacked + current(main) == text + b"end\n"
    assert {path.name for path in main.iterdir() if path.name[0] != "@"} == {"current", "lock", "state"}


def test_the_end_of_input_lets_processors_finish_and_term_does_not(tmp_path: Path) -> None:
    main = tmp_path / "main"
    script = ["s4096", "n100", f"b{UNTIL_GO}; tr x X", "./main"]
    text = b"".join(b"%04d %s\n" % (number, b"x" * 90) for number in range(100))
    with multilog(tmp_path, *script) as child:
        tell(child, text)
        eventually(lambda: len(names(main, ".w")) > 1 and b"0099" in current(main), "the last line")
        child.send_signal(signal.SIGTERM)
        assert child.wait(TIMEOUT) == 0
    waiting = names(main, ".w")
    assert len(waiting) > 1
    assert (main / "current").stat().st_mode & 0o777 == 0o744
    with multilog(tmp_path, *script) as child:
        assert child.stdin
        child.stdin.close()
        (tmp_path / "go").touch()
        assert child.wait(TIMEOUT) == 0
    assert names(main, ".w") == []
    assert names(main, ".s") == [name[:-1] + "s" for name in waiting]
    assert b"".join((main / name).read_bytes() for name in names(main, ".s")).count(b"X") % 90 == 0


def test_the_original_keeps_and_counts_what_waits(tmp_path: Path) -> None:
    main = tmp_path / "main"
    text = b"".join(b"%04d %s\n" % (number, b"x" * 90) for number in range(100))
    # From a file, which is read in one go: between two parts there may be time for a second failure.
    (tmp_path / "text").write_bytes(text)
    with (tmp_path / "text").open("rb") as source:
        done = subprocess.run(
            [ours("multilog"), "s4096", "n100", "bexit 3", "./main"],
            stdin=source,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            timeout=TIMEOUT,
            check=True,
        )
    assert done.stderr.count(b"processor failed in ./main, trying again\n") == 1
    waiting = names(main, ".w")
    assert run([original("multilog"), "n100", "./main"], b"more\n", cwd=tmp_path).status == 0
    assert names(main, ".w") == waiting
    assert lines(main) == [*text.splitlines(), b"more"]
    assert run([original("multilog"), "s4096", "n3", "./main"], b"x" * 4100 + b"\n", cwd=tmp_path).status == 0
    assert len(names(main, "")) == 2


@pytest.mark.slow
def test_killed_at_any_moment_while_processors_work(tmp_path: Path) -> None:
    """No line is lost, and no old file is half of one: each ends with the processor's own line."""
    chance = random.Random(7)
    main = tmp_path / "main"
    script = [ours("multilog"), "s4096", "n100000", "bcat; sleep 0.0$(($$ % 4)); echo END", "./main"]
    reader, writer = os.pipe()
    # Room for all: one that is killed before it has read anything must not have us wait for a reader.
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 2**18)
    told = 0
    with open(reader, "rb") as source, open(writer, "wb", buffering=0) as sink:
        for _ in range(12):
            with subprocess.Popen(script, stdin=source, cwd=tmp_path) as child:
                sink.write(b"".join(b"line %06d %s\n" % (told + n, b"x" * 90) for n in range(150)))
                told += 150
                try:
                    child.wait(0.05 + chance.random() * 0.2)
                except subprocess.TimeoutExpired:
                    child.kill()
        sink.write(b"line of the end\n")
        sink.close()
        assert (
            subprocess.run(script, stdin=source, cwd=tmp_path, timeout=TIMEOUT, check=False).returncode == 0
        )
    seen = {line.split()[1] for line in lines(main) if line.startswith(b"line ") and len(line) > 90}
    assert [number for number in range(told) if b"%06d" % number not in seen] == []
    assert names(main, ".w") == []
    assert {path.name for path in main.iterdir() if path.name[0] != "@"} == {"current", "lock", "state"}
    for name in names(main, ".s"):
        text = (main / name).read_bytes()
        assert text.endswith(b"\nEND\n")
        assert text.count(b"END\n") == 1


@pytest.mark.parametrize("action", ["ax", "S1k", "pa\nb", "d-1"])
def test_an_action_that_makes_no_sense(tmp_path: Path, action: str) -> None:
    done = run([ours("multilog"), action, "./main"], b"line\n", cwd=tmp_path)
    assert (done.status, done.stderr.count(b"\n")) == (100, 1)
    assert done.stderr.startswith(b"multilog: fatal: ")
    assert not (tmp_path / "main").exists()


@pytest.mark.parametrize("program", ["ours", "original"])
def test_a_hangup_has_no_meaning_of_its_own(tmp_path: Path, program: str) -> None:
    """It ends ours as it ends the original; ours leaves what is in the pipe to the next."""
    path = ours("multilog") if program == "ours" else original("multilog")
    with subprocess.Popen([path, "./main"], stdin=subprocess.PIPE, cwd=tmp_path) as child:
        eventually((tmp_path / "main/current").exists, "the directory")
        child.send_signal(signal.SIGHUP)
        assert child.wait(TIMEOUT) == -signal.SIGHUP
