"""qmail-qmqpd's own limits, by control file and by a rule's variable, behind warm workers and without."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import qmqp
from tests.support.homes import make_home, messages, queued
from tests.support.run import ours, run
from tests.support.servers import Server, serving
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
SERVERS = ["warm", "cold"]
MESSAGE = b"Received: by a\nDelivered-To: b\nSubject: test\n\nReceived: in the body\n"


@contextmanager
def service(which: str, home: Path, rules: str = ":allow") -> Iterator[Server]:
    compiled = run([ours("tcprules"), str(home / "cdb"), str(home / "tmp")], rules.encode() + b"\n")
    assert compiled.status == 0
    env = {"QMAILHOME": str(home), "QMAILQUEUE": ours("qmail-queue")}
    words = [
        ours("tcpserver"),
        *(["-W"] if which == "cold" else []),
        "-HR",
        "-l0",
        "-x",
        str(home / "cdb"),
        "-1",
    ]
    with serving([*words, HOST, "0", ours("qmail-qmqpd")], home.parent, env=env) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def say(home: Path, name: str, value: object) -> None:
    (home / "control" / name).write_text(f"{value}\n")


@pytest.mark.parametrize("which", SERVERS)
def test_limits(home: Path, which: str) -> None:
    """They count from the next message on, and one client's end does not change the next one's."""
    with service(which, home) as server:

        def send(recipients: int = 2) -> bytes:
            names = [b"r%d" % number for number in range(recipients)]
            return qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"s", names))

        assert send().startswith(b"Kok ")
        for name, least, reply in (
            ("databytes", len(MESSAGE), b"Dsorry, that message size exceeds my databytes limit (#5.3.4)"),
            ("maxhops", 3, b"Dtoo many hops, this message is looping (#5.4.6)"),
            ("maxrecipients", 2, b"Dsorry, that message has too many recipients (#5.5.3)"),
        ):
            say(home, name, least)
            assert send().startswith(b"Kok "), name
            say(home, name, least - 1)
            assert send() == reply
            assert send() == reply
            say(home, name, 0)
            assert send().startswith(b"Kok "), name
    assert len(messages(home)) == 7
    assert len(queued(home)) == 21  # of those that were refused nothing is left


@pytest.mark.parametrize("which", SERVERS)
def test_a_rule_decides_for_its_clients(home: Path, which: str) -> None:
    say(home, "databytes", 10)
    with service(which, home, '127.0.0.1:allow,DATABYTES="0"\n:allow') as server:
        sent = qmqp.request(MESSAGE, b"s", [b"r"])
        assert qmqp.payload(server.talk(sent)).startswith(b"Kok ")
        assert qmqp.payload(server.talk(sent, source="127.0.0.2")).startswith(b"Dsorry, that message size")
    assert len(messages(home)) == 1


@pytest.mark.parametrize("which", SERVERS)
def test_errors_are_explained_late_and_logged(home: Path, which: str) -> None:
    with service(which, home) as server:
        assert qmqp.exchange(HOST, server.port, b"5:hello,") == b""
        say(home, "explainerrors", 1)
        say(home, "errordelay", 1)
        begun = time.monotonic()
        assert qmqp.send(HOST, server.port, b"5:hello,") == b"Dsorry, that is not a QMQP request (#5.5.2)"
        assert qmqp.send(HOST, server.port, b"9" * 50) == (
            b"Zsorry, I can't take a request of that length (#4.3.0)"
        )
        assert time.monotonic() - begun >= 2
        say(home, "errordelay", 0)
        say(home, "logaddresses", 1)
        reply = qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"s\n", [b"a", b"b"]))
        eventually(
            lambda: b" from 127.0.0.1 sender <s?> recipients 2 <a> <b>: " + reply + b"\n" in server.log,
            "the line of the message",
        )
        assert (
            qmqp.exchange(HOST, server.port, qmqp.request(MESSAGE, b"s", [b"a"])[:-3], half_close=True) == b""
        )
        eventually(lambda: b"<s> recipients 0 -: the client went away, nothing is queued\n" in server.log)
    assert server.log.count(b"qmail-qmqpd: pid ") == 2
    assert len(messages(home)) == 1


def test_an_unreadable_setting_refuses(home: Path) -> None:
    """Who cannot read a limit does not go without."""
    (home / "control/databytes").mkdir()
    with service("warm", home) as server:
        assert qmqp.exchange(HOST, server.port, qmqp.request(MESSAGE, b"s", [b"a"])) == b""
    assert queued(home) == {}
