"""control/remotes read by us and by nullmailer-send: who is asked, how we log in, and what becomes of a message."""

from __future__ import annotations

import os
import ssl
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import certificates, qmqpserver
from tests.support.originals import original
from tests.support.remote import MESSAGE, home_of, remote, summary
from tests.support.run import run
from tests.support.smtpserver import Server, ehlo, hang_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SENDER, RECIPIENT = "joe@here.example", "carolyn@there.example"
ACCEPTED, DEFERRED, REFUSED = b"K", b"Z", b"D"


def by_nullmailer(tmp_path: Path, remotes: str) -> bytes:
    """What became of the message, as a letter."""
    prefix = tmp_path / "nullmailer"
    program = original("nullmailer-send")
    for name in ("conf", "protocols", "bin", "sbin", "queue/queue", "queue/failed", "queue/tmp"):
        (prefix / name).mkdir(parents=True)
    os.mkfifo(prefix / "queue/trigger")
    for protocol in ("smtp", "qmqp"):
        (prefix / "protocols" / protocol).symlink_to(original(protocol))
    for name, content in (
        ("me", "me.example"),
        ("pausetime", "0"),
        ("sendtimeout", "50"),
        ("remotes", remotes),
    ):
        (prefix / "conf" / name).write_text(content + "\n")
    message = prefix / "queue/queue/1"
    message.write_bytes(f"{SENDER}\n{RECIPIENT}\n\n".encode() + MESSAGE)
    run([program], env={"NULLMAILER_TEST_PREFIX": str(prefix)})
    if (prefix / "queue/failed/1").exists():
        return REFUSED
    return DEFERRED if message.exists() else ACCEPTED


def by_us(tmp_path: Path, remotes: str) -> bytes:
    home = home_of(tmp_path / "ours", remotes=remotes)
    letters = summary(remote(home, RECIPIENT, sender=SENDER))
    return REFUSED if letters.startswith(b"h") else DEFERRED if letters.startswith(b"s") else letters[-1:]


def both(tmp_path: Path, remotes: str, servers: Sequence[Mapping[str, Any]], **named: Any) -> tuple[Any, Any]:
    """What became of the message, and for each server the logins and the messages that it saw."""
    found = []
    for way in (by_us, by_nullmailer):
        with ExitStack() as stack:
            made = [stack.enter_context(Server(replies, **named)) for replies in servers]
            ports = {f"port{number}": server.port for number, server in enumerate(made)}
            letter = way(tmp_path, remotes.format(**ports))
        seen = []
        for server in made:
            # After AUTH LOGIN the password comes, which our server takes for a command.
            lines = server.commands
            logins = [
                line
                for at, line in enumerate(lines)
                if line.startswith(b"AUTH") or lines[at - 1 : at] == [b"AUTH LOGIN am9l"]
            ]
            seen.append((logins, server.messages))
        found.append((letter, seen))
    return found[0], found[1]


PLAIN = {"EHLO": ehlo("AUTH PLAIN LOGIN")}
WITH_LOGIN = {"EHLO": ehlo("AUTH LOGIN"), "AUTH": b"334 x\r\n", "C2VJ": b"235 ok\r\n"}


@pytest.mark.parametrize(
    "remotes",
    [
        "127.0.0.1 smtp port={port0}",
        "127.0.0.1 smtp --port={port0}",
        "127.0.0.1 smtp -p{port0}",
        "localhost smtp port={port0} source=127.0.0.1",
        "# comment\n\n   127.0.0.1\tsmtp  port={port0}  ",
        "none smtp port={port0} host=127.0.0.1",
        "127.0.0.1 smtp port={port0} user=joe",
        "127.0.0.1 smtp port={port0} user=joe pass=secret",
        "127.0.0.1 smtp port={port0} user=joe pass='two words'",
        "127.0.0.1 smtp port={port0} user=joe 'pass=two words'",
        '127.0.0.1 smtp port={port0} user=joe pass="it\'s"',
        "127.0.0.1 smtp port={port0} user=joe pass=a'b c'd",
        "127.0.0.1 smtp port={port0} user=joe pass=a\\ b",
        "127.0.0.1 smtp port={port0} user=joe pass='back\\slash'",
        "127.0.0.1 smtp port={port0} user=joe pass=\\#1",
        "127.0.0.1 smtp port={port0} user=joe pass=p=q",
        "127.0.0.1 smtp port={port0} user=joe pass=",
    ],
)
def test_lines(tmp_path: Path, remotes: str) -> None:
    ours, theirs = both(tmp_path, remotes, [PLAIN])
    assert ours == theirs
    assert ours[0] == ACCEPTED


def test_the_other_way_to_log_in(tmp_path: Path) -> None:
    for number, line in enumerate(("", "auth-login")):
        remotes = "127.0.0.1 smtp port={port0} user=joe pass=secret " + line
        ours, theirs = both(tmp_path / str(number), remotes, [WITH_LOGIN])
        assert ours == theirs
        assert ours[1][0][0] == [b"AUTH LOGIN am9l", b"c2VjcmV0"]


REPLIES: dict[str, Mapping[str, Any]] = {
    "sender refused": {"MAIL": b"550 no\r\n"},
    "recipient refused": {"RCPT": b"550 no\r\n"},
    "message refused": {"dot": b"554 no\r\n"},
    "DATA refused": {"DATA": b"554 no\r\n"},
    "sender not now": {"MAIL": b"450 no\r\n"},
    "recipient not now": {"RCPT": b"450 no\r\n"},
    "message not now": {"dot": b"451 no\r\n"},
    "greeting not now": {"greeting": b"421 no\r\n"},
    "dropped": {"MAIL": hang_up},
    "dropped after the dot": {"dot": hang_up},
}


@pytest.mark.parametrize("case", REPLIES)
def test_what_is_final_and_what_goes_on(tmp_path: Path, case: str) -> None:
    remotes = "127.0.0.1 smtp port=1\n127.0.0.1 smtp port={port0}\n127.0.0.1 smtp port={port1}"
    ours, theirs = both(tmp_path, remotes, [REPLIES[case], {}])
    assert ours == theirs


@pytest.mark.parametrize(
    ("replies", "line"),
    [
        ({"EHLO": ehlo("AUTH PLAIN"), "AUTH": b"535 no\r\n"}, "user=joe pass=wrong"),
        ({"EHLO": ehlo("AUTH CRAM-MD5")}, "user=joe pass=secret"),
        ({"EHLO": ehlo("SIZE")}, "user=joe pass=secret"),
        ({"EHLO": ehlo("STARTTLS")}, "auth-external starttls insecure"),
    ],
)
def test_who_may_not_log_in(tmp_path: Path, replies: Mapping[str, Any], line: str) -> None:
    remotes = "127.0.0.1 smtp port={port0} " + line
    ours, theirs = both(tmp_path, remotes, [replies])
    assert ours[0] == theirs[0] == DEFERRED


@pytest.mark.slow
def test_tls(tmp_path: Path) -> None:
    certificates.authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.signed(tmp_path, "server", "DNS:localhost"))
    authority = f"x509cafile={tmp_path}/authority.pem"
    for number, (line, letter) in enumerate(
        (
            (f"localhost smtp port={{port0}} {{way}} {authority}", ACCEPTED),
            (f"127.0.0.1 smtp port={{port0}} {{way}} {authority}", DEFERRED),
            ("localhost smtp port={port0} {way}", DEFERRED),
            ("127.0.0.1 smtp port={port0} {way} insecure", ACCEPTED),
        )
    ):
        for way in ("tls", "starttls"):
            place = tmp_path / f"{way}{number}"
            remotes = line.replace("{way}", way)
            ours, theirs = both(
                place, remotes, [{"EHLO": ehlo("STARTTLS")}], tls=context, wrapped=way == "tls"
            )
            assert ours == theirs, line
            assert ours[0] == letter


def test_qmqp(tmp_path: Path) -> None:
    for number, (reply, letter) in enumerate(((b"Kok", ACCEPTED), (b"Zlater", DEFERRED), (b"Dno", REFUSED))):
        received = []
        for way in (by_us, by_nullmailer):
            with qmqpserver.Server(qmqpserver.says(reply)) as server:
                place = tmp_path / str(number)
                assert way(place, f"127.0.0.1 qmqp port={server.port}") == letter
            received.append(server.received)
        assert received[0] == received[1]
