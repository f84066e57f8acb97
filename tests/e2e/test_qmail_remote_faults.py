"""Servers that misbehave at each step of a session: nothing is lost, and nothing is returned that may yet arrive."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.remote import MESSAGE, ON_THE_WIRE, home_of, remote, summary
from tests.support.run import ours
from tests.support.smtpserver import Server, Talk, ehlo, hang, hang_up, reset, then_hang_up
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from pathlib import Path

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
# What is said of the recipient before a step goes wrong.
BEFORE = {"DATA": b"r", "dot": b"r"}
PIPELINING = {"EHLO": ehlo("PIPELINING", "SIZE", "8BITMIME")}
PLAIN = {"EHLO": ehlo("SIZE")}


def reports_of(tmp_path: Path, replies: dict[str, Any], **controls: str) -> tuple[list[bytes], Server]:
    with Server(replies) as server:
        home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}", **controls)
        return remote(home), server


@pytest.mark.parametrize("hello", [PLAIN, PIPELINING], ids=["plain", "pipelining"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("end", [hang_up, then_hang_up(b"25"), then_hang_up(b"250-more\r\n")])
def test_it_breaks_off(tmp_path: Path, step: str, end: Any, hello: dict[str, Any]) -> None:
    reports, _ = reports_of(tmp_path, {**hello, step: end})
    assert summary(reports) == BEFORE.get(step, b"") + b"Z"
    assert (b"Possible duplicate!" in reports[-1]) == (step == "dot")
    assert b"but connection died. " in reports[-1]


@pytest.mark.parametrize("hello", [PLAIN, PIPELINING], ids=["plain", "pipelining"])
@pytest.mark.parametrize("step", STEPS)
def test_the_connection_is_reset(tmp_path: Path, step: str, hello: dict[str, Any]) -> None:
    """What was said before may go with it."""
    reports, _ = reports_of(tmp_path, {**hello, step: reset})
    assert summary(reports) in (b"Z", b"rZ")
    assert (b"Possible duplicate!" in reports[-1]) == (step == "dot")


@pytest.mark.parametrize("hello", [PLAIN, PIPELINING], ids=["plain", "pipelining"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "nonsense",
    [b"\r\n", b"hello\r\n", b"\xff\xfe\xfd\xfc\r\n", b"2 0 ok\r\n", b"250-a\r\nnext\r\n", b"<html>\n"],
)
def test_it_speaks_something_else(tmp_path: Path, step: str, nonsense: bytes, hello: dict[str, Any]) -> None:
    reports, _ = reports_of(tmp_path, {**hello, step: nonsense})
    assert summary(reports) == BEFORE.get(step, b"") + b"Z"
    assert b"its reply makes no sense. " in reports[-1]
    assert (b"Possible duplicate!" in reports[-1]) == (step == "dot")


@pytest.mark.parametrize("step", STEPS)
def test_it_does_not_end_its_line_or_its_reply(tmp_path: Path, step: str) -> None:
    for endless in (b"2" * 100_000, b"250-more\r\n" * 200_000):
        reports, _ = reports_of(tmp_path, {**PLAIN, step: then_hang_up(endless)})
        assert summary(reports) == BEFORE.get(step, b"") + b"Z"
        assert len(reports[-1]) < 6000


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_it_falls_silent(tmp_path: Path, step: str) -> None:
    reached = False

    def silent(talk: Talk) -> bytes:
        nonlocal reached
        reached = True
        return hang(talk)

    def reports_once_reached() -> list[bytes]:
        """On a slow machine a step before it may have taken too long."""
        reports, _ = reports_of(tmp_path, {**PLAIN, step: silent}, timeoutremote="1")
        return reports if reached else []

    reports = eventually(reports_once_reached, "the step")
    assert summary(reports) == BEFORE.get(step, b"") + b"Z"
    assert b"but connection died. " in reports[-1]


@pytest.mark.slow
def test_it_says_a_byte_now_and_then(tmp_path: Path) -> None:
    def drip(talk: Talk) -> bytes:
        """Until the client has had enough."""
        while not talk.server.stop.wait(0.1):
            talk.say(b"2")
        raise ConnectionError

    reports, _ = reports_of(tmp_path, {**PLAIN, "MAIL": drip}, timeoutremote="1")
    assert summary(reports) == b"Z"


def stops_reading(reply: bytes) -> Any:
    """Take a part of the message, say this, and close."""

    def behave(talk: Talk) -> bytes:
        talk.say(b"354 go ahead\r\n")
        talk.line()
        talk.say(reply)
        raise ConnectionError

    return behave


LARGE = b"Subject: large\n\n" + (b"x" * 70 + b"\n") * 300_000


@pytest.mark.parametrize(
    ("reply", "letters"),
    [
        (b"552 too large\r\n", b"rD"),
        (b"452 full\r\n", b"rZ"),
        (b"250 ok\r\n", b"rZ"),
        (b"", b"rZ"),
        (b"what\r\n", b"rZ"),
    ],
)
def test_it_does_not_want_the_whole_message(tmp_path: Path, reply: bytes, letters: bytes) -> None:
    """What it said first may get lost with the connection; then nobody knows, and the message is kept."""
    with Server({**PLAIN, "DATA": stops_reading(reply)}) as server:
        home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}")
        reports = remote(home, message=LARGE)
    assert summary(reports) in (letters, b"rZ")
    assert b"Possible duplicate" not in reports[-1]


def test_it_accepts_and_then_breaks_off(tmp_path: Path) -> None:
    for end in (b"250 ok\r\n", b"250-ok\r\n250 ok\r\n"):
        reports, _ = reports_of(tmp_path, {**PIPELINING, "dot": then_hang_up(end)})
        assert summary(reports) == b"rK"


def test_a_yes_where_a_go_ahead_is_wanted_sends_nothing(tmp_path: Path) -> None:
    reports, server = reports_of(tmp_path, {**PLAIN, "DATA": b"250 ok\r\n"})
    assert summary(reports) == b"rZ"
    assert server.messages == []


def test_no_recipient_and_a_go_ahead_all_the_same(tmp_path: Path) -> None:
    """It was asked for together with the recipients; nothing may be delivered then."""
    reports, server = reports_of(tmp_path, {**PIPELINING, "RCPT": b"550 no\r\n"})
    assert summary(reports) == b"hD"
    assert server.messages == []


def test_a_connection_at_once_refused_or_without_a_way(tmp_path: Path) -> None:
    home = home_of(tmp_path, smtproutes=":127.0.0.1:1")
    assert remote(home) == [b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_it_is_killed(tmp_path: Path, step: str) -> None:
    """Whenever that is before the dot, no server has a message."""
    with Server({**PLAIN, step: hang}) as server:
        home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}")
        path = tmp_path / "message"
        path.write_bytes(MESSAGE)
        with path.open("rb") as message:
            process = subprocess.Popen(
                [ours("qmail-remote"), "there.example", "joe@x", "carolyn@y"],
                stdin=message,
                stdout=subprocess.PIPE,
                env={**os.environ, "QMAILHOME": str(home)},
            )
        try:
            wanted = 1 if step == "greeting" else 0
            verb = step.encode()
            eventually(
                lambda: (
                    (wanted and server.connections) or any(each.startswith(verb) for each in server.commands)
                ),
                "the step",
            )
        finally:
            process.kill()
            output, _ = process.communicate(timeout=PATIENCE)
    assert output == b""
    assert server.messages == []


@pytest.mark.parametrize("redirection", ['0>"$QMAILHOME/unreadable"', "<&-"])
def test_a_message_that_cannot_be_read(tmp_path: Path, redirection: str) -> None:
    with Server(PLAIN) as server:
        home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}")
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" there.example joe@x carolyn@y {redirection}', ours("qmail-remote")],
            env={**os.environ, "QMAILHOME": str(home)},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.stdout == b"ZUnable to read message. (#4.3.0)\n\0"
    assert server.messages == []


def test_from_where_the_descriptor_stands(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(b"skipped\n" + MESSAGE)
    with Server(PLAIN) as server:
        home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}")
        with path.open("rb") as message:
            os.lseek(message.fileno(), 8, os.SEEK_SET)
            done = subprocess.run(
                [ours("qmail-remote"), "there.example", "joe@x", "carolyn@y"],
                stdin=message,
                env={**os.environ, "QMAILHOME": str(home)},
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
    assert done.stdout.startswith(b"r\0K")
    assert server.messages == [ON_THE_WIRE]
