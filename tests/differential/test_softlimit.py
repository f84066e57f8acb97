"""softlimit beside the original: the limits that child finds, and what is said.

Not tested: hard limits that only root may raise; -t as time passes.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

PROBE = (
    "import resource as r; print([r.getrlimit(k) for k in (r.RLIMIT_AS, r.RLIMIT_CORE, r.RLIMIT_CPU,"
    " r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_MEMLOCK, r.RLIMIT_NOFILE, r.RLIMIT_NPROC, r.RLIMIT_RSS,"
    " r.RLIMIT_STACK)])"
)
USAGE_END = b"-t cpusecs] child\n"


def both(arguments: list[str], env: dict[str, str] | None = None) -> tuple[Outcome, Outcome]:
    return run([original("softlimit"), *arguments], env=env), run([ours("softlimit"), *arguments], env=env)


@pytest.mark.parametrize(
    "options",
    [
        "",
        "-a 4000000000",
        "-c 10",
        "-d 3000000001",
        "-f 100000",
        "-l 65536",
        "-m 900000000",
        "-o 30",
        "-p 4000",
        "-r 100",
        "-s 1000001",
        "-t 100",
        "-c =",
        "-s =",
        "-o = -o 20",
        "-m 900000000 -s 800000000",
        "-s 800000000 -m 900000000",
        "-m 900000000 -m = -d 800000000",
        "-c10 -o30",
        "-c 10 -- ",
        "-c 0",
        "-c 00000000000000000000012",
        "-c 9223372036854775807",
        "-c 9223372036854775808",
        "-c 18446744073709551614",
        "-c 18446744073709551615",
        "-o 18446744073709551615",
        "-l 9223372036854775809",
    ],
)
def test_the_limits_that_child_finds(options: str) -> None:
    theirs, mine = both([*options.split(), sys.executable, "-I", "-S", "-c", PROBE])
    assert theirs.status == 0
    assert mine == theirs


def test_no_soft_limit_exceeds_its_hard_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (min(soft % 2**64, 5000), hard))
    try:
        for options in (["-c", "1000000"], ["-c", "4000"], ["-c", "="]):
            probe = ["sh", "-c", f"ulimit -H -c 8; exec {{}} {' '.join(options)} sh -c 'ulimit -S -c'"]
            outcomes = [
                run([*probe[:2], probe[2].format(p)]) for p in (original("softlimit"), ours("softlimit"))
            ]
            assert outcomes[0] == outcomes[1]
            assert outcomes[0].status == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.parametrize(
    "limits",
    [
        "-m 2000000", "-a 1", "-d 1", "-s 1000", "-s 100000", "-o 0", "-o 3", "-f 0", "-p 0", "-l 0", "-r 0",
        "-a 3000000", "-a 20000000", "-m 20000000", "-a 1 -d 1 -s 1 -l 0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [0, 100_000, 1_500_000])
def test_child_is_started_however_little_it_gets(limits: str, size: int) -> None:
    """Arguments and environment that are large must not need memory that is no longer allowed."""
    env = {f"V{number}": "x" * 80 for number in range(size // 160)}
    theirs, mine = both([*limits.split(), "/bin/true", *["y" * 80] * (size // 160)], env)
    assert mine == theirs


@pytest.mark.parametrize("limits", ["-a 1", "-m 0", "-d 1"])
def test_the_last_words_need_no_memory_either(limits: str) -> None:
    theirs, mine = both([*limits.split(), "no such program"])
    assert mine == theirs
    assert mine.status == 111


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-m", "100000000"],
        ["-m"],
        ["-z", "1", "true"],
        ["-o", "5", "/etc/passwd"],
        ["no-such-program"],
        [""],
        ["--"],
    ],
)
def test_arguments(arguments: list[str]) -> None:
    theirs, mine = both(arguments)
    assert mine == theirs
    assert mine.status in (100, 111)


@pytest.mark.parametrize("value", ["x", "12x", "-5", " 5", "=5", "0x10"])
def test_values_that_are_no_numbers(value: str) -> None:
    theirs, mine = both(["-c", value, "true"])
    assert (theirs.status, mine.status) == (100, 100)
    assert mine.stderr.endswith(theirs.stderr)
    assert mine.stderr.startswith(b"softlimit: option -c: %s: " % value.encode())


@pytest.mark.parametrize("value", ["", "18446744073709551616", "9" * 100])
def test_values_that_the_original_takes_for_others(value: str) -> None:
    """It keeps 64 bits, and nothing is 0. Differs says so."""
    theirs, mine = both(["-c", value, "true"])
    assert theirs.status == 0
    assert mine.status == 100
    assert mine.stderr.endswith(USAGE_END)


def test_the_environment_is_what_it_was() -> None:
    """Python's start puts LC_CTYPE into it where it finds the C locale; child must not see that."""
    for env in ({}, {"LANG": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}, {"LC_CTYPE": "C"}):
        theirs, mine = both(["-o", "50", "/usr/bin/env"], env)
        assert mine == theirs


@pytest.mark.parametrize(
    "child",
    [
        ["grep", "-E", "^(Sig[BIC]|Shd)", "/proc/self/status"],
        ["ls", "/proc/self/fd"],
        ["sh", "-c", "trap '' PIPE; ulimit -f 0; echo x >file"],
    ],
)
def test_signals_and_descriptors_are_what_they_were(child: list[str], tmp_path: Path) -> None:
    """Python's start ignores SIGPIPE and SIGXFSZ; child must be ended by them."""
    theirs, mine = (
        run([program, "-o", "30", *child], cwd=tmp_path)
        for program in (original("softlimit"), ours("softlimit"))
    )
    assert mine == theirs


class TestWarning:
    """Our own programs are started with less than they need, after a word about it."""

    @pytest.mark.parametrize(
        "program", ["tcprules", os.path.join(os.path.dirname(ours("softlimit")), "tcprules")]
    )
    def test_too_little(self, program: str) -> None:
        env = {"PATH": os.path.dirname(ours("softlimit")) + ":/usr/bin:/bin"}
        done = run([ours("softlimit"), "-m", "2000000", program], env=env)
        first = done.stderr.splitlines()[0].decode()
        assert first.startswith(f"softlimit: warning: {program} is a Python program; to start it needs ")
        assert first.count("and may have 2000000") == 2
        assert done.status not in (100, 111)  # what the interpreter itself ended with

    def test_enough(self) -> None:
        done = run([ours("softlimit"), "-m", "200000000", ours("tcprules")])
        assert done.stderr == b"tcprules: usage: tcprules rules.cdb rules.tmp\n"

    def test_not_about_memory(self) -> None:
        done = run([ours("softlimit"), "-c", "0", ours("tcprules")])
        assert done.stderr == b"tcprules: usage: tcprules rules.cdb rules.tmp\n"

    def test_with_what_it_is_said_to_need_it_starts(self) -> None:
        """The figure is measured on the interpreter that runs; it must be enough for a small program."""
        said = run([ours("softlimit"), "-m", "2000000", ours("tcprules")]).stderr.splitlines()[0].split()
        needed = max(int(word) for word in said if word.isdigit())
        done = run([ours("softlimit"), "-a", str(needed + 3_000_000), ours("tcprules")])
        assert done.stderr == b"tcprules: usage: tcprules rules.cdb rules.tmp\n"
