"""tai64n beside the original; stamps are replaced."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.logs import unstamped
from tests.support.originals import original
from tests.support.run import ours, run

LINES = [b"", b"\n", b"a", b"a\n", b"a\n\nb", b"x" * 5000 + b"\ny\n", b"line\n" * 30000]


@pytest.mark.parametrize("lines", LINES, ids=len)
def test_lines(lines: bytes) -> None:
    theirs, mine = (run([program], lines) for program in (original("tai64n"), ours("tai64n")))
    assert unstamped(mine.stdout) == unstamped(theirs.stdout)
    assert (mine.status, mine.stderr) == (theirs.status, theirs.stderr)


@pytest.mark.parametrize("redirect", ["<&-", ">&-", ">/dev/full"])
def test_failures_are_silent(redirect: str) -> None:
    theirs, mine = (
        run(["sh", "-c", f'exec "$0" {redirect}', program], b"x\n")
        for program in (original("tai64n"), ours("tai64n"))
    )
    assert mine == theirs
    assert mine.status == 111


@pytest.mark.parametrize("name", ["original", "ours"])
def test_what_was_read_is_written_before_it_waits(name: str) -> None:
    program = original("tai64n") if name == "original" else ours("tai64n")
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        for part, expected in ((b"ab", b"@STAMP ab"), (b"c\n", b"c\n"), (b"d", b"@STAMP d")):
            child.stdin.write(part)
            child.stdin.flush()
            assert unstamped(os.read(child.stdout.fileno(), 100)) == expected
        child.stdin.close()
        assert child.wait() == 0
