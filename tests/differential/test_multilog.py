"""multilog beside the original: the same lines and script; status, stderr, files and modes must be equal.

Stamps and the names of old files are replaced, as they are times. Status files are compared at the end.
Not tested: out of memory; failing wait.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.logs import contents, unstamped
from tests.support.originals import original
from tests.support.run import TIMEOUT, blocking, ours, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Left = tuple[int, bytes, bytes, dict[str, tuple[str, bytes]]]


def scenario(
    program: str, place: Path, script: list[str], lines: bytes, before: Callable[[Path], None] | None = None
) -> Left:
    place.mkdir()
    if before:
        before(place)
    (place.parent / "lines").write_bytes(lines)
    with (place.parent / "lines").open("rb") as source:
        done = subprocess.run(
            [program, *script], stdin=source, capture_output=True, cwd=place, timeout=TIMEOUT, check=False
        )
    stamps = bool(script) and script[0].startswith("t")
    stderr = unstamped(done.stderr) if stamps else done.stderr
    return done.returncode, done.stdout, stderr, contents(place, stamps=stamps)


def compare(
    tmp_path: Path, script: list[str], lines: bytes, before: Callable[[Path], None] | None = None
) -> Left:
    theirs = scenario(original("multilog"), tmp_path / "theirs", script, lines, before)
    mine = scenario(ours("multilog"), tmp_path / "ours", script, lines, before)
    assert mine == theirs
    return mine


LINES = b"status: 1/40\nfatal: out of memory\n\ntcpserver: status: 2/40\nhello\nhello world\n*star*\nlast"
LONG = [
    length * b"x" for length in (199, 200, 201, 511, 512, 513, 973, 974, 975, 999, 1000, 1001, 1024, 3000)
]


@pytest.mark.parametrize(
    "script",
    [
        ["./main"],
        [],
        ["e"],
        ["e", "-*", "e", "+*:*", "e", "./main"],
        ["t", "./main"],
        ["two", "./main"],
        ["./main", "t"],
        ["t", "-*", "+* fatal: *", "./main", "e"],
        ["t", "-* status: *", "./main", "+*", "./all"],
        ["-*", "+hello", "./main"],
        ["-hello*", "./main"],
        ["-**", "./main"],
        ["-*", "+*status*", "./main"],
        ["-*", "+", "./main"],
        ["-*", "+*\n*", "./main"],
        ["=status", "./main"],
        ["-*", "+fatal*", "=status", "./main"],
        ["", "x", "é", "./main"],
        ["s", "n", "./main"],
        ["s18446744073709555712", "n18446744073709551617", "./main"],
        ["s9" + "0" * 90, "./main"],
        ["./main", "./main/inside"],
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_actions(tmp_path: Path, script: list[str], end: bytes) -> None:
    compare(tmp_path, script, LINES + end)


@pytest.mark.parametrize("script", [["t", "./main"], ["./main"], ["-*", "+*xy", "e", "=status", "./main"]])
@pytest.mark.parametrize("end", [b"", b"\n", b"y\n"])
@pytest.mark.parametrize("line", LONG, ids=len)
def test_line_lengths(tmp_path: Path, script: list[str], line: bytes, end: bytes) -> None:
    compare(tmp_path, script, b"short\n" + line + end)


ACTIONS = [
    "e",
    "=one",
    "=two",
    "-*",
    "+fatal:*",
    "-status*",
    "-*:*",
    "+* fatal: *",
    "+*h*i*",
    "-**",
    "+hello",
]
ACTIONS += ["s4096", "s5000", "s99999", "n2", "n3", "!cat", "!tr a b; cat <&4 >&5; echo x >&5"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_scripts_and_streams(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    script = [*chance.choices(ACTIONS, k=chance.randrange(6)), "./a"]
    script += [*chance.choices(ACTIONS, k=chance.randrange(3)), *chance.choice([[], ["./b"]])]
    if seed % 2:
        script.insert(0, "t")
    lines = []
    for _ in range(chance.choice([1, 50, 500, 3000])):
        length = chance.choice([3, 60, 60, 60, 120, 513, 974, 1001, 5000]) if chance.random() < 0.1 else 60
        words = chance.choice([b"", b"status: ", b"fatal: ", b"hi"])
        lines.append(words + bytes(chance.choices(b"ghijkl: *", k=chance.randrange(length))))
    compare(tmp_path, script, b"\n".join(lines) + chance.choice([b"", b"\n"]))


def leave(**files: tuple[int, bytes]) -> Callable[[Path], None]:
    """A directory as it may be found; old files by what is between @ and .s"""

    def before(place: Path) -> None:
        main = place / "main"
        main.mkdir()
        for name, (mode, text) in files.items():
            path = main / (("@" + name[4:].ljust(24, "0") + ".s") if name.startswith("old_") else name)
            path.write_bytes(text)
            path.chmod(mode)

    return before


@pytest.mark.parametrize(
    "files",
    [
        {"current": (0o744, b"safe\n")},
        {"current": (0o644, b"cut")},
        {"current": (0o644, b"")},
        {"state": (0o644, b"s"), "current": (0o744, b"x" * 99998)},
        {"state": (0o644, b"s"), "current": (0o744, b"x" * 99999)},
        {"state": (0o644, b"s"), "current": (0o744, b"x" * 200000 + b"\n")},
        {"previous": (0o644, b"was current\n"), "current": (0o644, b"new\n")},
        {"previous": (0o744, b"was current\n"), "current": (0o644, b"new\n")},
        {"previous": (0o744, b"raw\n"), "processed": (0o644, b"half"), "current": (0o644, b"new\n")},
        {"previous": (0o744, b"raw\n"), "processed": (0o744, b"whole\n"), "current": (0o644, b"new\n")},
        {"processed": (0o744, b"whole\n"), "newstate": (0o644, b"next"), "state": (0o644, b"last")},
        {"state": (0o644, b"kept"), "newstate": (0o644, b"kept"), "current": (0o744, b"safe\n")},
        {"current": (0o644, b"cut"), **{f"old_4{n}": (0o744, b"%d\n" % n) for n in range(12)}},
        {"current": (0o644, b"cut"), "old_z": (0o744, b"not a label\n")},
    ],
)
@pytest.mark.parametrize("script", [["./main"], ["n2", "./main"], ["n2", "!cat; echo x >&5", "./main"]])
def test_what_was_left_is_taken_over(
    tmp_path: Path, files: dict[str, tuple[int, bytes]], script: list[str]
) -> None:
    compare(tmp_path, script, b"next\n", leave(**files))


def test_a_file_with_two_names_loses_one(tmp_path: Path) -> None:
    def before(place: Path) -> None:
        leave(previous=(0o744, b"done\n"))(place)
        os.link(place / "main/previous", place / "main" / ("@4" + "0" * 23 + ".s"))

    left = compare(tmp_path, ["./main"], b"next\n", before)
    assert [name for name in left[3] if "@" in name] == ["main/@0.s"]


@pytest.mark.parametrize(
    ("script", "before"),
    [
        (["=nowhere/status"], None),
        (["=", "./main"], None),
        (["./no/such"], None),
        (["./main"], lambda place: (place / "main").write_bytes(b"a file")),
        (["./main"], lambda place: (place / "main/current").mkdir(parents=True)),
        (["./main"], lambda place: (place / "main/lock").mkdir(parents=True)),
        (["./main"], lambda place: (place / "main/state").mkdir(parents=True)),
        (["./main", "./main"], None),
    ],
)
def test_refused_before_a_line_is_read(
    tmp_path: Path, script: list[str], before: Callable[[Path], None] | None
) -> None:
    status, _, stderr, _ = compare(tmp_path, script, b"line\n", before)
    assert status == 111
    assert stderr.startswith(b"multilog: fatal: unable to ")


@pytest.mark.parametrize("name", ["multilog", "original"])
def test_either_refuses_what_the_other_has(tmp_path: Path, name: str) -> None:
    programs = [ours("multilog"), original("multilog")]
    first, second = programs if name == "multilog" else programs[::-1]
    with subprocess.Popen([first, "./main"], stdin=subprocess.PIPE, cwd=tmp_path) as holder:
        wait_for((tmp_path / "main/current").exists)
        refused = run([second, "./main"], b"line\n", cwd=tmp_path)
        holder.communicate()
    assert (refused.status, refused.stderr) == (
        111,
        b"multilog: fatal: unable to lock directory ./main: temporary failure\n",
    )


def wait_for(event: Callable[[], bool]) -> None:
    until = time.monotonic() + TIMEOUT
    while not event():
        assert time.monotonic() < until
        time.sleep(0.005)


def size_of(file: Path) -> int:
    """Or -1: while it is given another name, there is none."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return -1


def signalled(program: str, place: Path, script: list[str], number: int, before: Sequence[str] = ()) -> Left:
    """Half a line in, the signal, the rest of it and another line. The last element counts what is left unread."""
    place.mkdir()
    reader, writer = os.pipe()
    with subprocess.Popen(
        [*before, program, *script], stdin=reader, stderr=subprocess.PIPE, cwd=place, pass_fds=()
    ) as child:
        try:
            os.write(writer, b"whole\n")
            wait_for(lambda: size_of(place / "main/current") == len("whole\n"))
            os.write(writer, b"ha")
            wait_for(lambda: is_asleep(child.pid))
            child.send_signal(number)
            if number == signal.SIGALRM:
                wait_for(lambda: size_of(place / "main/current") == 0)
            else:
                wait_for(lambda: is_asleep(child.pid) and not pending(child.pid))
            os.write(writer, b"lf\nnext\n")
            if number == signal.SIGALRM:
                wait_for(lambda: size_of(place / "main/current") == len("half\nnext\n"))
            else:
                child.wait(TIMEOUT)
        finally:
            os.close(writer)  # the end of the input, also for one that would wait for ever
        status = child.wait(TIMEOUT)
        assert child.stderr
        stderr = child.stderr.read()
    unread = os.read(reader, 100)
    os.close(reader)
    return status, unread, stderr, contents(place)


def is_asleep(pid: int) -> bool:
    return processes.state(pid) == "S"


def pending(pid: int) -> bool:
    status = processes.status(pid)
    return any(status.get(label, "").strip("0") for label in ("SigPnd", "ShdPnd"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM])
def test_signals(tmp_path: Path, number: int) -> None:
    theirs = signalled(original("multilog"), tmp_path / "theirs", ["./main"], number)
    mine = signalled(ours("multilog"), tmp_path / "ours", ["./main"], number)
    assert mine == theirs
    assert mine[1] == (b"next\n" if number == signal.SIGTERM else b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM])
def test_signals_that_came_blocked(tmp_path: Path, number: int) -> None:
    before = blocking(signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD)
    theirs = signalled(original("multilog"), tmp_path / "theirs", ["./main"], number, before)
    mine = signalled(ours("multilog"), tmp_path / "ours", ["./main"], number, before)
    assert mine == theirs


def test_processor_has_what_the_original_gives_it(tmp_path: Path) -> None:
    command = (
        "pwd | sed 's/.*ours/X/;s/.*theirs/X/'; ls -l /proc/self/fd | sed 's/.* \\([0-9]*\\) -> .*/\\1/' ; umask; "
        "grep -E '^Sig(Ign|Blk)' /proc/self/status; cat; cat <&4; echo state >&5"
    )
    compare(tmp_path, ["s4096", f"!{command}", "./main"], b"a line of text\n" * 900)


def test_input_that_is_closed_is_no_input(tmp_path: Path) -> None:
    theirs, mine = (
        run(["sh", "-c", 'exec "$0" ./main <&-', program], cwd=tmp_path)
        for program in (original("multilog"), ours("multilog"))
    )
    assert mine == theirs


def pausing(
    programs: list[str], places: list[Path], script: list[str], mend: Callable[[Path], None]
) -> list[Left]:
    """Both programs at once, as a pause takes five seconds. `mend` is called when one has warned.

    How often it warns is a matter of time: of the same words one after the other, one is left.
    """
    children = []
    for program, place in zip(programs, places, strict=True):
        with (place.parent / "lines").open("rb") as source:
            children.append(
                subprocess.Popen([program, *script], stdin=source, stderr=subprocess.PIPE, cwd=place)
            )
    # Mend both before either has ended: the second tries again when the first does.
    first = []
    for child, place in zip(children, places, strict=True):
        assert child.stderr
        first.append(child.stderr.readline())
        mend(place)
    left: list[Left] = []
    for child, place, warning in zip(children, places, first, strict=True):
        assert child.stderr
        stderr = warning + child.stderr.read()
        child.stderr.close()
        said = b"".join(line for line, _ in groupby(stderr.splitlines(keepends=True)))
        left.append((child.wait(TIMEOUT), b"", said, contents(place)))
    return left


@pytest.fixture
def small_disks(tmp_path: Path) -> Iterator[list[Path]]:
    """Two file systems of 64 KB, one for each program."""
    places = [tmp_path / "theirs", tmp_path / "ours"]
    mounted = []
    try:
        for place in places:
            place.mkdir()
            if run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)]).status:
                pytest.skip("a small file system can be mounted by root only")
            mounted.append(place)
        yield places
    finally:
        for place in mounted:
            run(["umount", "-l", str(place)])


@pytest.mark.slow
def test_full_disk(tmp_path: Path, small_disks: list[Path]) -> None:
    for place in small_disks:
        (place / "filler").write_bytes(b"x" * 40000)
    (tmp_path / "lines").write_bytes(b"a line of text\n" * 2400)
    theirs, mine = pausing(
        [original("multilog"), ours("multilog")],
        small_disks,
        ["s16777215", "./main"],
        lambda place: (place / "filler").unlink(),
    )
    assert mine == theirs
    warning = b"multilog: warning: unable to write to ./main/current, pausing: out of disk space\n"
    assert mine[2].startswith(warning)
    assert mine[3]["main/current"][1] == b"a line of text\n" * 2400


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["exit 3", "kill -9 $$"])
def test_processor_that_fails_at_first(tmp_path: Path, failure: str) -> None:
    (tmp_path / "lines").write_bytes(b"a line of text\n" * 300)
    places = [tmp_path / "theirs", tmp_path / "ours"]
    for place in places:
        place.mkdir()
    theirs, mine = pausing(
        [original("multilog"), ours("multilog")],
        places,
        ["s4096", f"!test -e ../again || {{ >../again; {failure}; }}; cat", "./main"],
        lambda _: None,
    )
    assert (mine[0], mine[3]) == (theirs[0], theirs[3])
    failed = b"multilog: warning: processor failed in ./main, pausing\n"
    if failure == "exit 3":
        assert mine[2] == theirs[2] == failed
    else:
        # The original names whatever error came last.
        crashed = b"multilog: warning: processor crashed in ./main, pausing: "
        assert mine[2] == crashed + b"signal 9\n" + failed
        assert theirs[2].startswith(crashed)
