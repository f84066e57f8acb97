"""A whole tree: deployed, started, used, stopped, damaged, started again. What a newcomer and an administrator do.

Not tested: a terminal's Ctrl-C (SIGINT to the process is).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support import originals, processes, qmqp
from tests.support.processes import ended
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


def _whole_lines(log: Path) -> str:
    """What multilog is about to write may be seen in parts, and what it is about to rename not at all."""
    try:
        text = log.read_text()
    except FileNotFoundError:
        return ""
    return text[: text.rfind("\n") + 1]


class Tree:
    """A tree on a port that the kernel chooses: tcpserver -1 says in the log which."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "qmail"
        self.log = root / "log/qmail/qmqpd/current"
        self.out = root.parent / "out"
        self.process: subprocess.Popen[bytes] | None = None
        assert run([ours("smarthost-deploy"), "-p", "0", str(root)]).status == 0
        flags = self.home / "control/qmqpflags"
        flags.write_text("-1 " + flags.read_text())
        (self.home / "control/me").write_text("edited.example\n")

    def start(self, **environment: str) -> None:
        """Start everything; known is what the log held before."""
        self.known = len(self.logged())
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [ours("smarthost-run"), str(self.root)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **environment},
            )

    def logged(self) -> list[str]:
        """All lines of the log, without their stamps."""
        texts = [_whole_lines(file) for file in [*sorted(self.log.parent.glob("@*")), self.log]]
        stamped = [line for text in texts for line in text.splitlines()]
        assert all(re.fullmatch("@[0-9a-f]{24} .*", line) for line in stamped), stamped
        return [line[26:] for line in stamped]

    def port(self) -> int:
        """Of the newest tcpserver."""

        def look() -> list[str]:
            return [line for line in self.logged()[self.known :] if line.isdigit()]

        return int(eventually(look)[-1])

    def send(self, message: bytes = b"Subject: first\n\nHello.\n") -> bytes:
        return qmqp.send(
            "127.0.0.1", self.port(), qmqp.request(message, b"me@edited.example", [b"you@edited.example"])
        )

    def idle(self) -> None:
        """Wait until tcpserver has seen the only connection's end: SIGTERM would not wait for that."""

        def look() -> bool:
            logged = self.logged()[self.known :]
            served = any(line.startswith("tcpserver: end ") for line in logged)
            return served and logged[-1].startswith("tcpserver: status: 0/")

        eventually(look)

    def delivered(self, count: int = 1) -> list[bytes]:
        """The messages in the Maildir, once there are so many."""
        new = self.home / "alias/Maildir/new"
        eventually(lambda: len(os.listdir(new)) >= count, f"{count} messages in {new}")
        return [path.read_bytes() for path in new.iterdir()]

    def kept(self) -> list[bytes]:
        """Every message that is delivered, or still in the queue."""
        places = [self.home / "alias/Maildir/new", *(self.home / "queue/mess").iterdir()]
        return [path.read_bytes() for place in places for path in place.iterdir()]

    def service(self, name: str = "") -> int:
        """The pid of the newest tcpserver or, with "log", multilog, as the engine says it."""
        log = self.home / "run/engine.log"
        label = "qmail-qmqpd:log" if name == "log" else name or "qmail-qmqpd"
        # What it has started may have said something before the engine does.
        return int(eventually(lambda: re.findall(rf"started {label} \(pid (\d+)\)", log.read_text()))[-1])

    def stop(self, how: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(TIMEOUT)


@pytest.fixture
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    made = Tree(tmp_path_factory.mktemp("t") / "var")  # tmp_path is too long for a socket's name
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()


def test_the_first_message(tree: Tree) -> None:
    tree.start()
    assert re.fullmatch(rb"Kok [0-9]+ qp [0-9]+", tree.send())
    [message] = tree.delivered()
    assert message.startswith(b"Return-Path: <me@edited.example>\nDelivered-To: you@edited.example\n")
    assert message.endswith(b"Subject: first\n\nHello.\n")
    tree.idle()
    assert tree.stop() == 0
    assert not tree.out.read_text().count("warning")
    shape = [re.sub(r"[0-9]{2,}", "N", line) for line in tree.logged()]
    assert shape == [
        "N",
        "tcpserver: status: 0/N",
        "tcpserver: status: 1/N",
        "tcpserver: pid N from N.0.0.1",
        "tcpserver: ok N localhost:N.0.0.1:N :N.0.0.1::N",
        "tcpserver: end N status 0",
        "tcpserver: status: 0/N",
    ]
    readable = run([ours("tai64nlocal")], tree.log.read_bytes()).stdout.decode().splitlines()
    assert all(re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} ", line) for line in readable)


def test_the_printed_line_sends_it(tree: Tree) -> None:
    tree.start()
    port = tree.port()
    printed = next(line.strip() for line in tree.out.read_text().splitlines() if "create_connection" in line)
    sent = run(["sh", "-c", printed.replace('"127.0.0.1", 0)', f'"127.0.0.1", {port})')], env={})
    assert re.search(rb"Kok [0-9]+ qp [0-9]+", sent.stdout), sent
    [message] = tree.delivered()
    assert b"\nDelivered-To: you@edited.example\n" in message
    assert f"{tree.home}/alias/Maildir/new" in tree.out.read_text(), "it says where"


def test_what_is_printed_can_be_pasted_where_there_are_blanks(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    tree = Tree(tmp_path_factory.mktemp("t") / "my mail")
    tree.start()
    try:
        tree.port()
        [line] = [line for line in tree.out.read_text().splitlines() if line.endswith("mailq")]
        shown = run(["sh", "-c", line.removeprefix("what could not go yet").strip()])
        assert (shown.status, shown.stderr) == (0, b"")
    finally:
        assert tree.stop() == 0


def test_from_this_host(tree: Tree) -> None:
    """By the line that is printed, and through the socket, which others have to use."""
    tree.start()
    tree.port()
    printed = next(line for line in tree.out.read_text().splitlines() if "qmail-inject" in line)
    assert run(["sh", "-c", printed.partition("   ")[2].strip()], env={"USER": "joe"}).status == 0
    [message] = tree.delivered()
    assert b"\nto: you@" in message
    client = tree.home / "bin/qmail-qmqpc"
    eventually((tree.home / "submit/qmqp").exists)
    done = run([str(tree.home / "bin/sendmail"), "ann"], b"\nx\n", env={"QMAILQUEUE": str(client)})
    assert (done.status, done.stderr) == (0, b"")
    received = b"Received: from localhost (uid %d)\n  by localhost with QMQP; " % os.geteuid()
    assert sum(received in message for message in tree.delivered(2)) == 1
    os.unlink(tree.root / "service/qmqp-local")
    assert tree.process is not None
    tree.process.send_signal(signal.SIGHUP)
    eventually(lambda: not (tree.home / "submit/qmqp").exists())
    done = run([str(tree.home / "bin/sendmail"), "ann"], b"\nx\n", env={"QMAILQUEUE": str(client)})
    assert done.status == 75
    assert b"connection to mail server rejected (#4.4.1)" in done.stderr


def test_a_second_run_uses_the_tree_as_its_administrator_left_it(tree: Tree) -> None:
    tree.start()
    assert tree.send().startswith(b"Kok")
    assert tree.stop() == 0
    (tree.home / "control/concurrencyqmqp").write_text("7\n")
    rules = tree.root / "etc/tcp.qmqp"
    rules.write_text("127.0.0.9:deny\n" + rules.read_text())
    tree.start()
    assert tree.send().startswith(b"Kok")
    eventually(lambda: "tcpserver: status: 1/7" in tree.logged())
    assert len(tree.delivered(2)) == 2
    checked = run([ours("tcprulescheck"), f"{rules}.cdb"], env={"TCPREMOTEIP": "127.0.0.9"})
    assert b"deny connection" in checked.stdout
    assert (tree.home / "control/me").read_text() == "edited.example\n"


def test_two_at_a_time_and_a_port_in_use_get_one_line(tree: Tree) -> None:
    tree.start()
    tree.port()
    second = run([ours("smarthost-run"), str(tree.root)])
    assert second.status == 111
    assert (
        second.stderr
        == f"smarthost: fatal: the services of {tree.root}/service are already being run\n".encode()
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        third = run([ours("smarthost-run"), "-p", str(number), str(tree.root)])
    assert third.status == 111
    assert (
        third.stderr
        == (
            f"smarthost-run: fatal: unable to listen on 127.0.0.1 port {number}: address already used;"
            " stop what does, or choose another port with -p\n"
        ).encode()
    )


def test_without_concurrencyqmqp_it_says_what_to_do(tree: Tree) -> None:
    file = tree.home / "control/concurrencyqmqp"
    tree.start()
    tree.port()
    file.write_text("")
    os.kill(tree.service(), signal.SIGTERM)
    known = eventually(lambda: [line for line in tree.logged() if "fatal" in line])
    assert known[0] == (
        f"qmail-qmqpd/run: fatal: {file} is missing or empty: "
        "write the number of clients served at once, such as 40"
    )
    file.write_text("3\n")
    eventually(lambda: "tcpserver: status: 0/3" in tree.logged())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is asked to become somebody else")
def test_a_missing_account_is_named(tree: Tree) -> None:
    (tree.home / "control/qmqpuser").write_text("no-such-account\n")
    tree.start()
    [line] = eventually(lambda: [line for line in tree.logged() if "account" in line][:1])
    assert line.startswith("qmail-qmqpd/run: fatal: there is no account no-such-account: make one (useradd)")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
def test_root_gives_its_rights_up(open_to_all: Path) -> None:
    made = run([ours("smarthost-deploy"), "-u", "nobody", "-p", "0", str(open_to_all / "var")])
    assert made.status == 0, made
    tree = Tree(open_to_all / "var")
    try:
        tree.start()
        tree.port()
        # If the installation lies where only root can read, the server starts and its program cannot.
        for name in ("", "log"):
            assert processes.status(tree.service(name))["Uid"].split() == ["65534"] * 4
        assert (tree.home / "queue/mess").stat().st_uid == 65534
        others = ["setuidgid", "nobody", str(tree.home / "bin/qmail-send"), "--help"]
        if run([ours(others[0]), *others[1:]]).status == 0:
            assert tree.send().startswith(b"Kok")
            assert tree.delivered()
    finally:
        tree.stop()


def test_kills_under_load_lose_no_line_and_no_acknowledged_message(tree: Tree) -> None:
    """kill -9 of the logger, of tcpserver and of qmail-send, again and again, with clients at work."""
    tree.start()
    tree.port()
    acknowledged: list[bytes] = []
    enough = threading.Event()

    def client(number: int) -> None:
        count = 0
        while not enough.is_set():
            count += 1
            body = b"Subject: %d-%d\n\n" % (number, count)
            try:
                reply = tree.send(body)
            except OSError:
                continue  # between two tcpservers
            if reply.startswith(b"K"):
                acknowledged.append(body)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(3)]
    for each in clients:
        each.start()
    try:
        for name in ("log", "", "qmail-send", "log", "", "log"):
            known = len(acknowledged)
            eventually(lambda known=known: len(acknowledged) >= known + 20, within=4 * PATIENCE)  # type: ignore[misc]
            victim = tree.service(name)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda name=name, victim=victim: tree.service(name) != victim)  # type: ignore[misc]
    finally:
        enough.set()
        for each in clients:
            each.join()
    assert tree.stop(signal.SIGTERM) == 0
    kept = {b"Subject: " + message.rpartition(b"Subject: ")[2] for message in tree.kept()}
    assert set(acknowledged) <= kept
    logged = tree.logged()
    begun = [line.split()[2] for line in logged if line.startswith("tcpserver: ok ")]
    assert len(begun) >= len(acknowledged)
    # Each line is whole, and of one kind.
    known_kinds = re.compile(
        r"[0-9]+|tcpserver: (status: [0-9]+/40|pid [0-9]+ from 127\.0\.0\.1|ok .*|end [0-9]+ status [0-9]+)"
    )
    assert not [line for line in logged if not known_kinds.fullmatch(line)]


def test_killing_the_engine_stops_nothing(tree: Tree) -> None:
    tree.start()
    tree.port()
    assert tree.process is not None
    server, logger = tree.service(), tree.service("log")
    tree.process.kill()
    tree.process.wait(TIMEOUT)
    assert tree.send().startswith(b"Kok")
    os.kill(server, signal.SIGTERM)
    eventually(lambda: ended(logger))  # it has read to the end
    assert len(tree.delivered()) == 1
    assert sum(line.startswith("tcpserver: ok") for line in tree.logged()) == 1
    tree.start()
    assert tree.send().startswith(b"Kok")


def test_what_a_killed_engine_left_on_the_port_is_taken_over(tree: Tree) -> None:
    tree.start()
    port = tree.port()
    assert tree.process is not None
    server = tree.service()
    tree.process.kill()
    tree.process.wait(TIMEOUT)
    (tree.home / "control/qmqpport").write_text(f"{port}\n")
    tree.start()
    service = str(tree.root / "service/qmail-qmqpd")
    eventually(lambda: f"up (pid {server})".encode() in run([ours("svstat"), service]).stdout)
    assert tree.stop() == 0
    assert ended(server)


@pytest.mark.parametrize(
    "names", [["tcpserver", "softlimit"], ["multilog"], ["tcpserver", "softlimit", "multilog"]]
)
def test_the_originals_run_in_the_same_service(tree: Tree, names: list[str]) -> None:
    for name in names:
        program = originals.original(name)
        (tree.home / "bin" / name).unlink(missing_ok=True)
        (tree.home / "bin" / name).symlink_to(program)
    # The limit that C's tcpserver hands on is the service's.
    tree.start()
    assert tree.send().startswith(b"Kok")
    tree.idle()
    assert tree.stop() == 0
    assert sum(line.startswith("tcpserver: end") for line in tree.logged()) == 1
    assert [os.readlink(tree.home / "bin" / name) for name in names] == [
        originals.original(name) for name in names
    ]


def test_the_original_svscan_runs_the_same_service(tree: Tree) -> None:
    svscan, svc, svok = (originals.original(name) for name in ("svscan", "svc", "svok"))
    services = list((tree.root / "service").iterdir())
    tree.known = 0
    scanner = subprocess.Popen([svscan, str(tree.root / "service")], stdin=subprocess.DEVNULL)
    try:
        assert tree.send().startswith(b"Kok")
        assert tree.delivered()
        tree.idle()
    finally:
        scanner.kill()
        scanner.wait(TIMEOUT)
        parts = [str(part) for service in services for part in (service, service / "log")]
        run([svc, "-dx", *parts])
        for part in parts:
            eventually(lambda part=part: run([svok, part]).status != 0)  # type: ignore[misc]


def test_deep_down_it_runs_without_supervisorctl(tmp_path: Path) -> None:
    tree = Tree(tmp_path / ("deep" * 25))
    tree.start()
    try:
        assert tree.send().startswith(b"Kok")
        socket = tree.home / "run/supervisor.sock"
        warning = f"smarthost: warning: supervisorctl cannot be served: the name {socket} is too long for a socket\n"
        assert tree.out.read_text().endswith(warning)
    finally:
        assert tree.stop() == 0


def test_a_tree_can_be_moved(tree: Tree) -> None:
    moved = tree.root.parent / "elsewhere"
    shutil.move(tree.root, moved)
    tree.root, tree.home, tree.log = moved, moved / "qmail", moved / "log/qmail/qmqpd/current"
    tree.start()
    assert tree.send().startswith(b"Kok")
