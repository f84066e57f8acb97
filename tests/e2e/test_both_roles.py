"""A smart host and its null client on one machine, each a tree of its own under supervisord.

Not tested here: servers that misbehave (tests/e2e/test_qmail_remote*), and -s, which changes this very system.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.slow


class Tree:
    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.home = root / "qmail"
        self.out = root.parent / "out"
        self.process: subprocess.Popen[bytes] | None = None
        self.deploy(*options)

    def deploy(self, *options: str) -> Outcome:
        done = run([ours("smarthost-deploy"), *options, str(self.root)])
        assert done.status == 0, done
        return done

    def say(self, facts: Mapping[str, str]) -> None:
        for name, content in facts.items():
            (self.home / "control" / name).write_text(content + "\n")

    def start(self) -> None:
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [ours("smarthost-run"), str(self.root)], stdin=subprocess.DEVNULL, stdout=out
            )

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(TIMEOUT) in (0, -signal.SIGTERM)  # it may not have begun

    def program(self, name: str, *arguments: str, stdin: bytes = b"") -> Outcome:
        return run([str(self.home / "bin" / name), *arguments], stdin, env={"USER": "joe"})

    def mailq(self) -> str:
        done = self.program("mailq")
        assert done.status == 0, done
        return done.stdout.decode()

    def ports(self) -> list[str]:
        """Of every tcpserver that has said so in its log."""
        log = self.root / "log/qmail/qmqpd/current"
        return re.findall(r"^\S+ (\d+)\n", log.read_text(), re.MULTILINE) if log.exists() else []

    def port(self) -> int:
        """Of the newest."""
        return int(eventually(self.ports)[-1])

    def sent(self) -> str:
        log = self.root / "log/qmail/send/current"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def smart_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("s") / "var", "-p", "0")
    tree.say({"me": "smart.example.com", "qmqpflags": "-1 -H -R -l localhost"})
    (tree.home / "alias/.qmail-carolyn").write_text("./carolyn/\n")
    assert run([ours("maildirmake"), str(tree.home / "alias/carolyn")]).status == 0
    try:
        yield tree
    finally:
        tree.stop()


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("c") / "var", "-n", "127.0.0.1 qmqp port=1")
    tree.say({"me": "null.example.com", "defaulthost": "smart.example.com", "pausetime": "1"})
    try:
        yield tree
    finally:
        tree.stop()


def carolyns(tree: Tree, count: int) -> list[bytes]:
    new = tree.home / "alias/carolyn/new"
    eventually(lambda: len(os.listdir(new)) >= count, f"{count} messages for carolyn; log: {tree.sent()}")
    return [path.read_bytes() for path in new.iterdir()]


def test_carolyn_gets_it_also_when_the_smart_host_was_down(smart_host: Tree, client: Tree) -> None:
    assert sorted(os.listdir(client.root / "service")) == ["qmail-send", "qmqp-local"]
    client.start()
    smart_host.start()
    port = smart_host.port()
    client.say({"remotes": f"127.0.0.1 qmqp port={port}"})

    # The walk-through's first message.
    assert client.program("qmail-inject", stdin=b"to: carolyn\n") == Outcome(0, b"", b"")
    [message] = carolyns(smart_host, 1)
    assert message.startswith(
        b"Return-Path: <joe@smart.example.com>\nDelivered-To: carolyn@smart.example.com\n"
    )
    assert b"  by localhost with QMQP; " in message
    assert message.endswith(b"\nto: carolyn@smart.example.com\n")
    eventually(lambda: client.mailq() == "Mail queue is empty\n")

    printed = client.out.read_text()
    assert "smarthost-run: a null client of 127.0.0.1. Ctrl-C stops everything in order.\n" in printed
    assert f"{client.home}/bin/mailq\n" in printed

    # The smart host is down: the client keeps it, and says why.
    smart_host.stop()
    assert client.program("sendmail", "carolyn", stdin=b"Subject: later\n\nx\n") == Outcome(0, b"", b"")
    shown = eventually(
        lambda: re.findall(
            r"(\d+)  \d+ bytes, \d+ seconds?, from <joe@smart\.example\.com>\n"
            r"  to <carolyn@smart\.example\.com>\n     (.*)\n1 message\n",
            client.mailq(),
        )
    )
    [(number, error)] = shown
    assert "127.0.0.1" in error
    assert client.program("sendmail", "-bp").stdout.endswith(b"\n1 message\n")

    # It stays while it is held, whatever the smart host does, and arrives when it is let go.
    held = client.program("qmail-queuectl", "hold", number)
    assert held == Outcome(0, f"{number}: held\n".encode(), b"")
    known = len(smart_host.ports())
    smart_host.start()
    eventually(lambda: len(smart_host.ports()) > known)
    client.say({"remotes": f"127.0.0.1 qmqp port={smart_host.port()}"})
    assert ", held\n" in client.mailq()
    released = client.program("qmail-queuectl", "release", number)
    assert released == Outcome(0, f"{number}: released\n".encode(), b"")
    client.program("qmail-queuectl", "retry", number)
    assert len(carolyns(smart_host, 2)) == 2
    eventually(lambda: client.mailq() == "Mail queue is empty\n")


def test_what_is_refused_for_good_comes_back_once(smart_host: Tree, client: Tree) -> None:
    """To the client's administrator, for nobody has a mailbox there."""
    smart_host.start()
    (smart_host.home / "alias/.qmail-default").unlink()
    client.say(
        {
            "remotes": f"127.0.0.1 qmqp port={smart_host.port()}",
            "adminaddr": "carolyn@smart.example.com",
            "allmailfrom": "joe@null.example.com",
        }
    )
    client.start()
    long = b"x" * 988 + b"@example.com"  # a queue takes it, and no QMQP server
    assert client.program("qmail-inject", stdin=b"to: %b\n\n" % long).status == 0
    [bounce] = carolyns(smart_host, 1)
    assert bounce.startswith(b"Return-Path: <>\n")
    assert b"\nTo: joe@null.example.com\n" in bounce
    eventually(lambda: client.mailq() == "Mail queue is empty\n")


def test_orders_to_our_own_qmail_send(client: Tree) -> None:
    client.start()
    for recipient in ("ann@example.org", "bob@example.org", "dan@example.org"):
        client.program("sendmail", recipient, stdin=b"\nx\n")
    eventually(lambda: len(re.findall(r"\n     ", client.mailq())) == 3)
    shown = re.findall(r"^(\d+)  .*\n  to <(\w+)@", client.mailq(), re.MULTILINE)
    numbers = {name: number for number, name in shown}
    assert client.program("qmail-queuectl", "delete", numbers["ann"]).stdout.endswith(b": deleted\n")
    eventually(lambda: "<ann@" not in client.mailq())
    assert client.program("qmail-queuectl", "retry", numbers["bob"]).stdout.endswith(b" will be tried now\n")
    assert client.program("qmail-queuectl", "retry", "all") == Outcome(
        0, b"everything will be tried now\n", b""
    )
    assert client.program("qmail-queuectl", "bounce", numbers["dan"]).stdout.endswith(b": bounced\n")
    bounce = eventually(lambda: re.search(r"from <>.*\n  to <joe@smart", client.mailq()))
    assert bounce
    eventually(lambda: "<dan@" not in client.mailq())  # the bounce is in the queue first
    assert os.listdir(client.home / "queue/orders") == []


def test_nullmailers_own_directory(tmp_path: Path) -> None:
    directory = tmp_path / "nullmailer"
    directory.mkdir()
    (directory / "remotes").write_text("mail.example.com smtp port=25\n")
    (directory / "me").write_text("null.example.com\n")
    tree = Tree(tmp_path / "var", "-N", str(directory))
    control = tree.home / "control"
    assert (control / "me").read_text() == "null.example.com\n"
    assert os.readlink(control / "remotes") == str(directory / "remotes")
    assert (control / "locals").read_text() == ""
    (directory / "adminaddr").write_text("admin@example.com\n")
    assert (control / "adminaddr").read_text() == "admin@example.com\n"
    assert not (control / "defaultdomain").exists(), "nullmailer's default is me"
    assert not (tree.root / "service/qmail-qmqpd").exists()
    assert tree.deploy() == Outcome(0, b"", b""), "it stays what it is"
    printed = tree.program("qmail-inject", "-n", "root", stdin=b"\n").stdout
    assert b"From: joe@null.example.com\n" in printed


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    for options in (["-N", str(tmp_path)], ["-N", "x", "-n", "y"]):
        done = run([ours("smarthost-deploy"), *options, str(tmp_path / "var")], cwd=tmp_path)
        assert done.status == 100
        assert not (tmp_path / "var").exists()
