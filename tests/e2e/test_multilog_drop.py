"""multilog d: the producer never waits, and every line that is missing is counted in the log."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.logs import lines
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

# A processor that is waited for, and that waits itself: a log that stands still.
STILL = ["s100000", "n100000", "!until test -e ../go; do sleep 0.02; done; cat"]
COUNT = 40_000
WIDTH = 100

FEED = f"""
import os
text = b"".join(b"%06d %s\\n" % (number, b"x" * {WIDTH - 8}) for number in range({COUNT}))
while text:
    text = text[os.write(1, text):]
"""


@contextmanager
def started(place: Path, *script: str) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO, BinaryIO]]:
    """multilog, and both ends of its pipe."""
    ends = os.pipe()
    with (
        open(ends[0], "rb", buffering=0) as reader,
        open(ends[1], "wb", buffering=0) as writer,
        subprocess.Popen([ours("multilog"), *script], stdin=reader, cwd=place) as child,
    ):
        try:
            eventually((place / "main/current").exists, "the directory")
            yield child, reader, writer
        finally:
            child.kill()


def feed(writer: BinaryIO) -> None:
    """All lines, by a process that ends when the last one is in the pipe."""
    subprocess.run([sys.executable, "-c", FEED], stdout=writer, timeout=TIMEOUT, check=True)


def unread(pipe: BinaryIO) -> int:
    """How many bytes are in it."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def kept(main: Path) -> list[int]:
    return [int(line[:6]) for line in lines(main) if len(line) == WIDTH - 1 and line[:6].isdigit()]


def counted(main: Path, words: bytes = rb"dropped (\d+) lines, (\d+) bytes") -> tuple[int, int]:
    found = [re.fullmatch(b"multilog: " + words, line) for line in lines(main)]
    counts = [(int(match[1]), int(match[2])) for match in found if match]
    return sum(count for count, _ in counts), sum(size for _, size in counts)


def check_complete(main: Path) -> None:
    found = kept(main)
    dropped, size = counted(main)
    assert found == sorted(set(found))
    assert len(found) + dropped == COUNT
    assert size == dropped * WIDTH
    assert dropped > COUNT // 2


@pytest.mark.parametrize("held", ["d", "d100000", "d0"])
def test_the_producer_ends_while_the_log_stands_still(tmp_path: Path, held: str) -> None:
    main = tmp_path / "main"
    with started(tmp_path, held, *STILL, "./main") as (child, _, writer):
        feed(writer)
        writer.close()
        (tmp_path / "go").touch()
        assert child.wait(TIMEOUT) == 0
    check_complete(main)


def test_term_writes_what_is_held_and_counts_the_rest(tmp_path: Path) -> None:
    main = tmp_path / "main"
    with started(tmp_path, "d", *STILL, "./main") as (child, reader, writer):
        feed(writer)
        child.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        assert child.wait(TIMEOUT) == 0
        # What came last may still be in the pipe, for the next one.
        writer.close()
        rest = [ours("multilog"), "d", *STILL, "./main"]
        assert subprocess.run(rest, stdin=reader, cwd=tmp_path, timeout=TIMEOUT, check=False).returncode == 0
    check_complete(main)


@pytest.mark.slow
def test_a_kill_loses_what_is_counted(tmp_path: Path) -> None:
    main = tmp_path / "main"
    script = ["d", *STILL, "./main"]
    with started(tmp_path, *script) as (child, reader, writer):
        feed(writer)
        # What is in the pipe is the next one's; here it would go with the pipe.
        eventually(lambda: not unread(reader), "the pipe to be empty")
        child.kill()
        child.wait()
        (tmp_path / "go").touch()
        writer.close()
    assert run([ours("multilog"), *script], b"", cwd=tmp_path).status == 0
    found = set(kept(main))
    killed, _ = counted(main, rb"killed with (\d+) lines, (\d+) bytes not known to be written")
    dropped, _ = counted(main)
    assert 0 < COUNT - len(found) - dropped <= killed
    assert run([ours("multilog"), *script], b"", cwd=tmp_path).status == 0
    assert counted(main, rb"killed with (\d+) lines, (\d+) bytes not known to be written")[0] == killed


def test_lines_that_are_written_as_they_come_are_all_there(tmp_path: Path) -> None:
    """And patterns, stamps and prefixes are as without d; a line without an end gets one."""
    done = run(
        [ours("multilog"), "d", "pw: ", "-no*", "e", "./main"], b"one\nno\n" + b"y" * 2000, cwd=tmp_path
    )
    assert (done.status, lines(tmp_path / "main")) == (0, [b"w: one", b"w: " + b"y" * 2000])
    done = run(["sh", "-c", '"$0" d ./other <main/current', ours("multilog")], cwd=tmp_path)
    assert done.stderr == b"multilog: warning: input is not a pipe: nothing will be dropped\n"
    assert lines(tmp_path / "other") == lines(tmp_path / "main")


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(disk)]).status:
        pytest.skip("a small file system can be mounted by root only")
    try:
        (disk / "filler").write_bytes(b"x" * 5_900_000)
        with started(disk, "d", "s16777215", "./main") as (child, _, writer):
            feed(writer)
            (disk / "filler").unlink()
            writer.close()
            assert child.wait(TIMEOUT) == 0
        check_complete(disk / "main")
    finally:
        run(["umount", "-l", str(disk)])
