"""qmail-start beside the one that QMAIL_PEER names: what each of its programs is given.

Its programs are looked for along PATH, so a test can put its own there, which write down who they are, what they were
told, and which descriptors lead where. As root with qmail's accounts both are asked; otherwise ours alone.

Not tested: a system that has no process or descriptor left.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import processes
from tests.support.originals import qmail_peer
from tests.support.run import ours
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("qmail-send", "qmail-lspawn", "qmail-rspawn", "qmail-clean")
ACCOUNTS = ("qmaill", "qmailq", "qmailr", "qmails")

# One that everybody may run.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

WITNESS = f"""#!{PYTHON} -IS
import json, os, sys
links = {{}}
for name in os.listdir("/proc/self/fd"):
    try:
        link = os.readlink("/proc/self/fd/" + name)
        with open("/proc/self/fdinfo/" + name) as info:
            flags = int(info.read().split("flags:")[1].split()[0], 8)
    except OSError:
        continue
    if not link.startswith("/proc/") and not link.endswith(os.path.basename(sys.argv[0])):
        links[name] = (link, flags & 3)
umask = os.umask(0)
told = dict(
    argv=sys.argv[1:], links=links, cwd=os.getcwd(), umask=umask, uid=os.getresuid(), gid=os.getresgid(),
    groups=sorted(os.getgroups()), home=os.environ.get("QMAILHOME"), extra=os.environ.get("EXTRA"), pid=os.getpid(),
)
path = os.path.join(os.environ["RECORD"], os.path.basename(sys.argv[0]))
with open(path + ".new", "w") as file:
    json.dump(told, file)
os.rename(path + ".new", path)
if "logger" in path:
    os.write(1, b"logged: " + os.read(0, 100))
elif "send" in path:
    os.write(0, b"a line of the log\\n")
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may use."""
    path = Path(tempfile.mkdtemp(prefix="qmail-start-"))
    path.chmod(0o755)
    (path / "record").mkdir()
    (path / "record").chmod(0o777)
    (path / "bin").mkdir()
    for name in (*PROGRAMS, "logger"):
        (path / "bin" / name).write_text(WITNESS)
        (path / "bin" / name).chmod(0o755)
    yield path
    shutil.rmtree(path)


def start(
    place: Path, argv: list[str], *, logger: bool, home: str = "/nowhere", path: bool = True
) -> tuple[dict[str, Any], bytes]:
    """What each program was given, and what came out."""
    programs = [*PROGRAMS, "logger"] if logger else [*PROGRAMS]
    for name in programs:
        (place / "record" / name).unlink(missing_ok=True)
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place,
        umask=0o022,
        env={
            "PATH": f"{place}/bin:/usr/bin:/bin" if path else "/usr/bin:/bin",
            "RECORD": str(place / "record"),
            "QMAILHOME": home,
            "EXTRA": "kept",
        },
    ) as child:
        try:
            stdout, stderr = child.communicate(timeout=60)
        finally:
            child.kill()
    assert stderr == b""
    told = {}
    for name in programs:
        file = place / "record" / name
        eventually(file.exists, name)
        told[name] = json.loads(file.read_text())
    for each in told.values():
        eventually(lambda: processes.gone(each["pid"]), "its end")  # noqa: B023
    assert told["qmail-send"]["pid"] == child.pid
    return told, stdout


def pipes(told: dict[str, Any]) -> set[tuple[tuple[str, str, int], ...]]:
    """For each pipe, whose descriptors lead to it, and how."""
    ends: dict[str, list[tuple[str, str, int]]] = {}
    for program, each in told.items():
        for descriptor, (link, mode) in each["links"].items():
            ends.setdefault(link, []).append((program, descriptor, mode))
    return {tuple(sorted(each)) for each in ends.values()}


READ, WRITE = 0, 1
BETWEEN: set[tuple[tuple[str, str, int], ...]] = {
    (("qmail-lspawn", "0", READ), ("qmail-send", "1", WRITE)),
    (("qmail-lspawn", "1", WRITE), ("qmail-send", "2", READ)),
    (("qmail-rspawn", "0", READ), ("qmail-send", "3", WRITE)),
    (("qmail-rspawn", "1", WRITE), ("qmail-send", "4", READ)),
    (("qmail-clean", "0", READ), ("qmail-send", "5", WRITE)),
    (("qmail-clean", "1", WRITE), ("qmail-send", "6", READ)),
}


def unprivileged(*words: str) -> list[str]:
    """The words that run it as nobody special, who may read what we may read."""
    if os.geteuid():
        return [*words]
    if subprocess.run(["unshare", "-U", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a namespace")
    return ["unshare", "-U", *words]


@pytest.mark.parametrize("words", [[], ["./Maildir/"], ["./Maildir/", "logger", "one", "two"]])
def test_ours_joins_them(place: Path, words: list[str]) -> None:
    logger = len(words) > 1
    told, output = start(place, unprivileged(ours("qmail-start"), *words), logger=logger)
    expected = set(BETWEEN)
    if logger:
        expected |= {(("logger", "0", READ), ("qmail-send", "0", WRITE)), (("logger", "1", WRITE),)}
        assert told["logger"]["argv"] == ["one", "two"]
        assert output == b"logged: a line of the log\n"
    else:
        expected |= {(("qmail-send", "0", WRITE),)}
        assert output == b"a line of the log\n"
    assert pipes(told) == expected
    assert told["qmail-lspawn"]["argv"] == (words[:1] or ["./Mailbox"])
    for name, each in told.items():
        assert (each["cwd"], each["umask"], each["extra"]) == ("/", 0o077, "kept")
        assert each["home"] == "/nowhere"
        if name not in ("qmail-lspawn", "logger"):
            assert each["argv"] == []


def test_a_relative_home_is_made_absolute(place: Path) -> None:
    told, _ = start(place, unprivileged(ours("qmail-start")), logger=False, home="var/qmail")
    assert {each["home"] for each in told.values()} == {f"{place}/var/qmail"}


def test_programs_that_path_does_not_have_are_those_beside_it(place: Path) -> None:
    (place / "bin/qmail-start").write_bytes(Path(ours("qmail-start")).read_bytes())
    (place / "bin/qmail-start").chmod(0o755)
    start(place, unprivileged("bin/qmail-start"), logger=False, path=False)


@pytest.mark.parametrize("words", [[], ["./Maildir/"], ["./Maildir/", "logger", "one"]])
def test_as_root_each_is_given_the_same(place: Path, words: list[str]) -> None:
    peer = qmail_peer("qmail-start")
    if os.geteuid() != 0 or not all(_exists(account) for account in ACCOUNTS):
        pytest.skip("needs root and qmail's accounts")
    logger = len(words) > 1
    theirs, their_output = start(place, [peer, *words], logger=logger)
    mine, output = start(place, [ours("qmail-start"), *words], logger=logger)
    assert output == their_output
    assert pipes(mine) == pipes(theirs)
    for name, each in theirs.items():
        for what in ("argv", "cwd", "umask", "uid", "gid", "groups", "extra"):
            assert mine[name][what] == each[what], (name, what)


def _exists(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True


def test_it_says_nothing_when_it_cannot(place: Path) -> None:
    """Standard input is closed: there is nothing to put in the places that are qmail-send's."""
    done = subprocess.run(
        unprivileged("sh", "-c", 'exec "$0" <&-', ours("qmail-start")),
        capture_output=True,
        env={"PATH": f"{place}/bin:/usr/bin:/bin", "RECORD": str(place / "record")},
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (111, b"", b"")


def test_signals_are_as_they_were(place: Path) -> None:
    """What Python ignores is not ignored in the programs. A qmail-send does not die of what it will catch."""
    for name in PROGRAMS:
        (place / "bin" / name).write_text(
            f"#!/bin/sh\ngrep SigIgn /proc/self/status >{place}/record/{name}.new\n"
            f"mv {place}/record/{name}.new {place}/record/{name}\n"
        )
    done = subprocess.run(
        unprivileged(ours("qmail-start")),
        stdin=subprocess.DEVNULL,
        env={"PATH": f"{place}/bin:/usr/bin:/bin"},
        check=False,
        timeout=60,
        restore_signals=True,
    )
    assert done.returncode == 0
    for name in PROGRAMS:
        file = place / "record" / name
        eventually(file.exists, name)
        ignored = int(file.read_text().split()[1], 16)
        assert not ignored & (1 << (signal.SIGPIPE - 1)), name
        for signum in (signal.SIGHUP, signal.SIGALRM):
            assert bool(ignored & (1 << (signum - 1))) == (name == "qmail-send"), (name, signum)
