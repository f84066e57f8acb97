"""unixserver beside the original of ucspi-unix: the same options and the same clients.

Both get `--` before the socket: without it the original takes the program's options for its own.

Not tested: nothing known.
"""

from __future__ import annotations

import os
import re
import signal
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.originals import original
from tests.support.run import Outcome, ours, run
from tests.support.servers import UnixServer, serving_at
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from pathlib import Path

SHOW = "env | LC_ALL=C sort | grep -E '^(PROTO|UNIX|KEPT)' | sed s/PID=$$/PID=own/"
ROOT = os.getuid() == 0
AS_ROOT = pytest.mark.skipif(not ROOT, reason="changes identity")


def both() -> list[list[str]]:
    """The original keeps its log back until much has come."""
    return [["stdbuf", "-oL", original("unixserver")], [ours("unixserver")]]


def common(log: bytes) -> list[bytes]:
    """What both say. In the original's log, a child's end may come before its beginning."""
    lines = re.sub(rb"^unixserver: ok .*\n", b"", log, flags=re.MULTILINE).splitlines()
    return sorted(re.sub(rb"^unixserver: (pid|end) \d+", rb"unixserver: \1 N", line) for line in lines)


def idle(server: UnixServer) -> None:
    """Wait until no child is left."""
    eventually(lambda: not processes.children(server.process.pid), "the child to end")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-v"],
        ["-Q"],
        ["-v", "-Q"],
        ["-q", "-Q", "-v"],
        ["-v", "-q"],
        ["-vB", "hello\r\n"],
        ["-vc2", "-b5"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "program",
    [
        ["sh", "-c", SHOW],
        ["sh", "-c", "umask; pwd; grep ^SigBlk /proc/self/status"],
        ["sh", "-c", "echo hi >&2; exit 7"],
        ["sh", "-c", "kill -9 $$"],
    ],
    ids=["environment", "state", "status", "signal"],
)
@pytest.mark.slow
def test_clients_the_log_and_what_is_left(options: list[str], program: list[str], tmp_path: Path) -> None:
    said = []
    for number, server_program in enumerate(both()):
        (tmp_path / str(number)).mkdir()
        with serving_at(
            "socket",
            [*server_program, *options, "--", "socket", *program],
            tmp_path / str(number),
            env={"UNIXREMOTEPID": "stale", "PROTO": "stale", "KEPT": "kept"},
        ) as server:
            answers = []
            for times in range(1, 4):
                answer = server.talk().replace(b"PID=%d\n" % os.getpid(), b"PID=client\n")
                answers.append(answer.replace(b"/%d\n" % number, b"/N\n"))
                if b"status:" in server.log:
                    server.wait_for(rb"pid \d+", times)
                    server.wait_for(rb"end \d+ status", times)
                    server.wait_for(rb"status: 0/\d+\n", times + 1)
                idle(server)
            server.process.terminate()
            status = server.process.wait(PATIENCE)
            said.append((answers, common(server.log), status, server.path.exists()))
    assert said[1] == said[0]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-m", "077"],
        ["-m0"],
        ["-p", "600"],
        ["-p", "0"],
        ["-p", "1666", "-m", "777"],
        pytest.param(["-o", "1", "-r", "2"], marks=AS_ROOT),
        pytest.param(["-O"], marks=AS_ROOT),
        pytest.param(["-O", "-o", "9"], marks=AS_ROOT),
        pytest.param(["-o", "9", "-O", "-u", "65534", "-g", "65533"], marks=AS_ROOT),
    ],
    ids=" ".join,
)
def test_the_socket(options: list[str], tmp_path: Path) -> None:
    found = []
    for program in both():
        with serving_at(
            "socket",
            [*program, *options, "--", "socket", "true"],
            tmp_path,
            env={"SOCKET_UID": "7", "SOCKET_GID": "8"},
        ) as server:
            status = server.path.lstat()
            found.append((stat.filemode(status.st_mode), status.st_uid, status.st_gid))
    assert found[0] == found[1]


@AS_ROOT
@pytest.mark.parametrize(
    "options",
    [["-u", "65534", "-g", "65533"], ["-g", "65533"], ["-u0"], ["-U"], ["-u7", "-U"], ["-U", "-u7"]],
)
@pytest.mark.slow
def test_identity_of_the_program(options: list[str], tmp_path: Path) -> None:
    said = []
    for program in both():
        with serving_at(
            "socket",
            [*program, *options, "--", "socket", "sh", "-c", f"id -u; id -g; {SHOW}"],
            tmp_path,
            env={"UID": "65534", "GID": "65533"},
        ) as server:
            said.append(server.talk())
    assert said[0] == said[1]


def test_who_asks_for_the_identity_that_he_has_gets_it(tmp_path: Path) -> None:
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if ROOT else []
    uid, gid = ("65534", "65534") if ROOT else (str(os.getuid()), str(os.getgid()))
    tmp_path.chmod(0o777)
    for program in both():
        with serving_at(
            "socket",
            [*prefix, *program, "-u", uid, "-g", gid, "--", "socket", "id", "-u"],
            tmp_path,
        ) as server:
            assert server.talk() == uid.encode() + b"\n"
        outcome = run([*prefix, *program, "-u", "1", "--", str(tmp_path / "socket"), "true"])
        assert outcome.status in (1, 111)
        assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_signals_that_end_it(name: str, tmp_path: Path) -> None:
    for program in both():
        with (
            serving_at("socket", [*program, "--", "socket", "cat"], tmp_path) as server,
            server.connect() as client,
        ):
            client.sendall(b"1")
            assert client.recv(1) == b"1"
            for shrugged in (signal.SIGHUP, signal.SIGALRM):
                server.process.send_signal(shrugged)
            server.process.send_signal(getattr(signal, name))
            assert server.process.wait(PATIENCE) == 0
            assert not server.path.exists()
            client.sendall(b"still here")
            assert client.recv(100) == b"still here"


def test_the_cap_defers_and_drops_nobody(tmp_path: Path) -> None:
    for program in both():
        with serving_at("socket", [*program, "-vc2", "--", "socket", "cat"], tmp_path) as server:
            clients = [server.connect() for _ in range(4)]
            for client in clients:
                client.sendall(b"x")
            assert [clients[0].recv(1), clients[1].recv(1)] == [b"x", b"x"]
            clients[0].close()
            assert clients[2].recv(1) == b"x"
            clients[1].close()
            assert clients[3].recv(1) == b"x"
            for client in clients[2:]:
                client.close()
            log = server.wait_for(rb"status: 0/2\n", 2)
            assert b"3/2" not in log
            assert log.count(b"end ") == 4


@pytest.mark.parametrize("state", ["stale", "living"])
def test_a_socket_that_is_there_is_replaced(state: str, tmp_path: Path) -> None:
    for program in both():
        with serving_at("socket", [*program, "--", "socket", "echo", "old"], tmp_path) as old:
            if state == "stale":
                old.process.kill()
                old.process.wait(PATIENCE)
                assert old.path.exists()
            with serving_at("socket", [*program, "--", "socket", "echo", "new"], tmp_path) as new:
                assert new.talk() == b"new\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["s"],
        ["-v", "s"],
        ["-z"],
        ["-c"],
        ["-c", "x", "s", "true"],
        ["-b", "5x", "s", "true"],
        ["-u", "root", "s", "true"],
        ["-g", "x", "s", "true"],
        ["-o", "x", "s", "true"],
        ["-r", "x", "s", "true"],
        ["-p", "8", "s", "true"],
        ["-m", "abc", "s", "true"],
        ["-U", "s", "true"],
        ["-O", "s", "true"],
        ["-c", "0", "s", "true"],
        ["./missing/socket", "true"],
        ["s" * 109, "true"],
    ],
    ids=" ".join,
)
def test_what_it_refuses_to_start_with(arguments: list[str], tmp_path: Path) -> None:
    theirs, own = (run([program[-1], *arguments], env={}, cwd=tmp_path) for program in both())
    assert (theirs.status, own.status in (100, 111)) == (1, True)
    assert own.stdout == b""
    assert own.stderr.startswith(b"unixserver: ")
    assert own.stderr.count(b"\n") <= 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "left"), [(["-d"], True), (["-D"], False), (["-Dd"], True), (["-dD"], False)]
)
@pytest.mark.slow
def test_whether_the_socket_is_left(options: list[str], left: bool, tmp_path: Path) -> None:
    """Of ours alone: the original 1.0 documents both letters and refuses them, Debian's takes them."""
    with serving_at("socket", [ours("unixserver"), *options, "socket", "true"], tmp_path) as server:
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
        assert server.path.exists() == left


@pytest.mark.slow
def test_words_of_refusals(tmp_path: Path) -> None:
    def refused(*arguments: str) -> Outcome:
        return run([ours("unixserver"), *arguments], env={"SOCKET_UID": "1"}, cwd=tmp_path)

    (tmp_path / "file").touch()
    assert refused("no/s", "true") == Outcome(
        111, b"", b"unixserver: fatal: unable to bind: file does not exist\n"
    )
    assert refused("file", "true") == Outcome(
        111, b"", b"unixserver: fatal: unable to bind: address already used\n"
    )
    assert refused("s" * 108, "true") == Outcome(
        111, b"", b"unixserver: fatal: unable to bind: file name too long\n"
    )
    assert refused("-q", "file", "true") == Outcome(111, b"", b"")
    for arguments, words in (
        (["-c0"], b"option -c: 0: nobody could be served"),
        (["-p", "8"], b"option -p: 8: not an octal number"),
        (["-p", "10000"], b"option -p: 10000: more than 7777"),
        (["-O"], b"option -O: $SOCKET_GID is not set"),
        (["-u", "x"], b"option -u: x: not a whole number"),
    ):
        outcome = refused(*arguments, "s", "true")
        assert outcome.status == 100
        assert outcome.stderr.startswith(b"unixserver: %b\nunixserver: usage: unixserver [" % words)
