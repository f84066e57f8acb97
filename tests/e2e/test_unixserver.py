"""unixserver: what the original has not (rules, warm workers), and a message from a user to the queue.

Not tested: a client in another container, whose ids the kernel translates.
"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support import warm
from tests.support.homes import make_home, messages
from tests.support.qmqp import request
from tests.support.run import BIN, TIMEOUT, Outcome, ours, run
from tests.support.servers import UnixServer, serving_at
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="changes identity")
UID, GID = os.geteuid(), os.getegid()


def compile_rules(directory: Path, text: str) -> None:
    made = run([ours("tcprules"), str(directory / "rules.cdb"), str(directory / "rules.tmp")], text.encode())
    assert made == Outcome(0, b"", b"")


@pytest.mark.parametrize(
    ("rules", "answer"),
    [
        (f'uid/{UID}:allow,RULE="uid"\ngid/{GID}:deny\n:deny\n', b"uid\n"),
        (f'uid/{UID}1:deny\ngid/{GID}:allow,RULE="gid"\n:deny\n', b"gid\n"),
        (f'uid/{UID}1:deny\n:allow,RULE="else"\n', b"else\n"),
        (f"uid/{UID}1:deny\n", b"\n"),
        (f'uid/{UID}:deny\n:allow,RULE="else"\n', b""),
        (f"gid/{GID}:deny\n", b""),
        (":deny\n", b""),
    ],
)
def test_rules(rules: str, answer: bytes, tmp_path: Path) -> None:
    compile_rules(tmp_path, rules)
    with serving_at(
        "socket",
        [ours("unixserver"), "-vBbanner ", "-x", "rules.cdb", "socket", "sh", "-c", "echo $RULE"],
        tmp_path,
    ) as server:
        assert server.talk() == (b"banner " + answer if answer else b"")
        log = server.wait_for(rb"status: 0/10\n", 2)
        peer = b"socket %d:%d:%d" % (UID, GID, os.getpid())
        if answer:
            assert re.search(rb"^unixserver: pid (\d+)\nunixserver: ok \1 %b\n" % peer, log, re.MULTILINE)
        else:
            own = server.process.pid
            assert b"pid %d\nunixserver: deny %d %b\nunixserver: end %d status 25600\n" % (
                own, own, peer, own,
            ) in log  # fmt: skip


@pytest.mark.slow
def test_rules_that_are_replaced_or_missing_or_broken(tmp_path: Path) -> None:
    with serving_at(
        "socket", [ours("unixserver"), "-x", "rules.cdb", "socket", "echo", "in"], tmp_path
    ) as server:
        assert server.talk() == b""
        compile_rules(tmp_path, ":allow\n")
        assert server.talk() == b"in\n"
        compile_rules(tmp_path, ":deny\n")
        assert server.talk() == b""
        (tmp_path / "rules.cdb").write_bytes(b"x" * 100)
        assert server.talk() == b""
        dropped = b"unixserver: warning: dropping connection, unable to read rules.cdb: "
        assert server.log == dropped + b"file does not exist\n" + dropped + b"protocol error\n"
    with serving_at("socket", [ours("unixserver"), "-Xxmissing", "socket", "echo", "in"], tmp_path) as server:
        assert server.talk() == b"in\n"
    with serving_at("socket", [ours("unixserver"), "-x", "", "socket", "echo", "in"], tmp_path) as server:
        assert server.talk() == b"", "an empty name is that of no file, and not no rules"


SAYS = """
import os
def main(argv=()):
    names = ("PROTO", "UNIXLOCALPATH", "UNIXLOCALUID", "UNIXREMOTEEUID", "UNIXREMOTEPID", "LEFT")
    said = [os.environ.get(name) for name in names]
    signals = [line for line in open("/proc/self/status") if line.startswith(("SigB", "SigI"))]
    places = [os.readlink(f"/proc/self/fd/{number}").split(":")[0] for number in (0, 1)]
    own = os.environ.get("UNIXLOCALPID") == str(os.getpid())
    os.write(1, repr((said, signals, places, own, os.getresuid(), os.getgroups())).encode())
    os.environ["LEFT"] = "behind"
    os.read(0, 1)
    return 3
"""


@pytest.mark.slow
def test_warm_and_cold_are_the_same(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "says", SAYS, patient=True)
    said: dict[str, list[bytes]] = {}
    for way in ("-w", "-W"):
        with serving_at(
            "socket", [ours("unixserver"), way, "-vBhi ", "socket", "says"], tmp_path, env=environment
        ) as server:
            said[way] = []
            for number in range(3):
                said[way].append(server.talk())
                server.wait_for(rb"status: 0/10\n", number + 2)
            log = server.log
            assert len(re.findall(rb"end \d+ status 768\n", log)) == 3
            pids = re.findall(rb": pid (\d+)\n", log)
            assert re.findall(rb": ok (\d+) socket", log) == pids
            assert len(set(pids)) == (1 if way == "-w" else 3)
    assert said["-w"] == [said["-w"][0]] * 3
    assert said["-w"] == said["-W"]
    assert said["-w"][0].startswith(
        b"hi (['UNIX', 'socket', '%d', '%d', '%d', None]" % (UID, UID, os.getpid())
    )
    assert b"['socket', 'socket'], True" in said["-w"][0]


@AS_ROOT
def test_privileges_are_dropped_and_the_socket_stays_roots(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "says", SAYS)
    tmp_path.chmod(0o755)
    with serving_at(
        "socket",
        [ours("unixserver"), "-u65534", "-g65533", "-o7", "-p600", "socket", "says"],
        tmp_path,
        env=environment,
    ) as server:
        assert server.talk().endswith(b"True, (65534, 65534, 65534), [65533])")
        assert server.path.stat().st_uid == 7
        server.process.terminate()
        assert server.process.wait(TIMEOUT) == 0
        assert server.path.exists()


def test_a_server_that_was_replaced_leaves_the_other_ones_socket(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "socket", "echo", "old"], tmp_path) as old:
        with serving_at("socket", [ours("unixserver"), "socket", "echo", "new"], tmp_path) as new:
            old.process.send_signal(signal.SIGTERM)
            assert old.process.wait(TIMEOUT) == 0
            assert new.talk() == b"new\n"
        assert not new.path.exists()


def test_the_program_has_no_descriptor_of_ours(tmp_path: Path) -> None:
    """Cold; the workers of test_warm_and_cold_are_the_same share tcpserver's way. 3 is the one that lists."""
    with serving_at("socket", [ours("unixserver"), "socket", "ls", "/proc/self/fd"], tmp_path) as server:
        assert server.talk() == b"0\n1\n2\n3\n"


def test_lines_come_at_once_and_warnings_apart(tmp_path: Path) -> None:
    with serving_at(
        "socket",
        ["sh", "-c", 'exec "$0" -v socket ./missing 2>warnings', ours("unixserver")],
        tmp_path,
    ) as server:
        server.wait_for(rb"^unixserver: status: 0/10\n$")
        assert server.talk() == b""
        server.wait_for(rb"end \d+ status 28416\nunixserver: status: 0/10\n$")
        assert (tmp_path / "warnings").read_bytes() == (
            b"unixserver: warning: dropping connection, unable to run ./missing: file does not exist\n"
        )


def test_a_client_that_is_gone_before_the_banner(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "-vc1", "-Bhi", "socket", "cat"], tmp_path) as server:
        with server.connect() as first:
            assert first.recv(2) == b"hi"
            server.connect().close()
        server.wait_for(rb"warning: dropping connection, unable to print banner: broken pipe\n")
        assert server.talk(b"still here") == b"histill here"


# A message from a user to the queue


def send(home: Path) -> Outcome:
    return run(
        [ours("qmail-inject"), "-fjoe@example.com", "ann@example.org"],
        b"Subject: hello\n\nworld\n",
        env={"QMAILHOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"},
    )


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A home whose queue program is qmail-qmqpc."""
    home = tmp_path / "client"
    (home / "control").mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "bin/qmail-queue").symlink_to(ours("qmail-qmqpc"))
    (home / "control/me").write_text("client.example.com\n")
    (home / "control/qmqpservers").write_text(f"{tmp_path}/socket\n")
    return home


@pytest.fixture
def server_home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "server")
    (home / "bin/qmail-queue").symlink_to(ours("qmail-queue"))
    return home


def serve_mail(home: Path, *options: str) -> list[str]:
    return [
        "env", f"QMAILHOME={home}", ours("unixserver"), "-v", *options, "socket", ours("qmail-qmqpd"),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("way", ["-w", "-W"])
def test_a_message_from_a_user_to_the_queue(
    way: str, client: Path, server_home: Path, tmp_path: Path
) -> None:
    with serving_at("socket", serve_mail(server_home, way), tmp_path) as server:
        for _ in range(2):
            assert send(client) == Outcome(0, b"", b"")
        assert_ended(server, 2)
    queued = messages(server_home)
    assert len(queued) == 2
    for message, envelope in queued:
        assert b"Fjoe@example.com\0Tann@example.org\0" in envelope
        header, _, body = message.partition(b"\n\n")
        assert body == b"world\n"
        first, second, *_ = re.split(rb"\n(?![ \t])", header)
        assert first.startswith(b"Received: (qmail ")
        assert re.fullmatch(
            rb"Received: from localhost \(uid %d\)\n  by localhost with QMQP; .* -0000" % UID, second
        )


def assert_ended(server: UnixServer, times: int) -> None:
    log = server.wait_for(rb"end \d+ status 0\n", times)
    assert len(re.findall(rb"ok \d+ socket %d:%d:\d+\n" % (UID, GID), log)) == times


@AS_ROOT
@pytest.mark.slow
def test_users_are_told_apart(server_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_rules(tmp_path, "uid/7777:allow\n:deny\n")
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with serving_at("socket", serve_mail(server_home, "-xrules.cdb"), tmp_path) as server:
        server.path = server.path.relative_to(tmp_path)  # what lies above is not for everybody to look at
        for uid, answer in ((7777, rb"\d+:Kok .*,"), (7778, b"")):
            os.seteuid(uid)
            try:
                said = server.talk(request(b"\n", b"joe@example.com", [b"ann@example.org"]))
            finally:
                os.seteuid(0)
            assert re.fullmatch(answer, said)
    [(message, _)] = messages(server_home)
    assert b"Received: from localhost (uid 7777)\n" in message


def test_without_the_service_the_failure_is_temporary_and_said(client: Path, tmp_path: Path) -> None:
    outcome = run(
        [ours("sendmail"), "ann@example.org"],
        b"Subject: hello\n\nworld\n",
        env={"QMAILHOME": str(client), "PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    assert outcome.status == 75
    assert f"{tmp_path}/socket".encode() in outcome.stderr
    assert b"unable to connect: file does not exist" in outcome.stderr


@pytest.mark.slow
def test_a_burst_is_served_whole(tmp_path: Path) -> None:
    with serving_at("socket", [ours("unixserver"), "-vc3", "socket", "echo", "in"], tmp_path) as server:
        clients = [server.connect() for _ in range(40)]
        for client in clients:
            with client:
                assert client.recv(10) == b"in\n"
        log = server.wait_for(rb"end \d+ status 0\n", 40)
        assert b"4/3" not in log
        eventually(lambda: server.log.endswith(b"unixserver: status: 0/3\n"), "the last to end")
