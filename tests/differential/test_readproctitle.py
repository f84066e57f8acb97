"""readproctitle beside the original: what others see in /proc.

Not tested: a system without /proc.
"""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import processes
from tests.support.chains import both
from tests.support.originals import original
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

BOTH = ["original", "ours"]


def readproctitle(which: str) -> str:
    return original("readproctitle") if which == "original" else ours("readproctitle")


def showing(pid: int, end: bytes) -> list[bytes] | None:
    """Its arguments, if they end so. In the middle of its work it may show that too, and then something else."""
    words = processes.command_line(pid)
    return words if b"\0".join(words).endswith(end) else None


def expected(size: int, read: bytes) -> bytes:
    """What the manual page says of it."""
    return b"..." + (b"." * size + read.replace(b"\0", b""))[3 - size :]


def shown(program: str, words: Sequence[str | bytes], parts: Sequence[bytes]) -> list[list[bytes]]:
    """The arguments as they are after each part was read; their end is waited for."""
    seen = []
    read = b""
    size = len(words[-1])
    with subprocess.Popen([program, *words], stdin=subprocess.PIPE) as running:
        assert running.stdin
        for part in (b"", *parts):
            read += part
            running.stdin.write(part)
            running.stdin.flush()
            wanted = expected(size, read)
            found = eventually(partial(showing, running.pid, wanted))
            assert found
            seen.append(found[-len(words) :])
        running.stdin.close()
        assert running.wait(TIMEOUT) == 0
    return seen


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["....."], [b"a", b"b", b"c"]),
        (["io", "errors:", "...................."], [b"fatal error xyz\nwarning abc\n"]),
        (["service", "errors:", "." * 400], [b"one\n", b"two\n", b"three" * 100]),
        (["word", "x" * 30], [b"abc", b"d" * 26, b"e", b"f" * 27]),
        (["word", "......"], [b"\0", b"a\0b\0\0", b"\0c"]),
        (["", "......"], [b"\xff\xfe\n"]),
        ([b"\xff", b"\xc3\xa4" * 10], [b"\xc3\xa4"]),
        (["a", "." * 5_000], [b"z" * 10_000, b"end"]),
    ],
)
def test_the_last_of_what_was_read(words: list[str | bytes], parts: list[bytes]) -> None:
    theirs, mine = (shown(readproctitle(which), words, parts) for which in BOTH)
    assert mine == theirs


@pytest.mark.slow
@settings(max_examples=15)
@given(
    size=st.integers(5, 12),
    parts=st.lists(st.binary(min_size=1, max_size=14).map(lambda part: part.replace(b"\0", b"")), max_size=4),
)
def test_any_bytes_in_any_parts(size: int, parts: list[bytes]) -> None:
    assert shown(ours("readproctitle"), ["w", "." * size], parts)[-1] == [
        b"w",
        expected(size, b"".join(parts)),
    ]


@pytest.mark.parametrize(
    "arguments", [[], [""], ["...."], [".....", ""], [".....", "...."], ["....."], ["-x---"], ["--", "....."]]
)
def test_arguments(arguments: list[str]) -> None:
    theirs, mine = both("readproctitle", arguments, stdin=b"x")
    assert mine == theirs
    assert mine.stderr == b""


def test_an_input_that_cannot_be_read() -> None:
    for redirect in ("<&-", ">&- 2>&- <&-", "0>/dev/null"):
        theirs, mine = (
            run(["sh", "-c", f'exec "$0" ..... {redirect}', readproctitle(which)]) for which in BOTH
        )
        assert mine == theirs
        assert mine.status == 111


def test_what_stands_before_the_arguments() -> None:
    """Of a script it is the interpreter and the file: Differs says so."""
    with subprocess.Popen([ours("readproctitle"), "word", "....."], stdin=subprocess.PIPE) as running:
        eventually(lambda: processes.command_line(running.pid)[-1] == b".....")
        assert processes.command_line(running.pid)[1:] == [ours("readproctitle").encode(), b"word", b"....."]
