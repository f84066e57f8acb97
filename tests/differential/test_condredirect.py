"""condredirect, beside the original where that is. Not tested: a machine that can start no process."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import qmail_peer
from tests.support.queueprogram import QueueProgram
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"SENDER": "joe@example.com", "DTLINE": "Delivered-To: ann@example.org\n"}
MESSAGE = b"Subject: hello\n\nworld\n"
USAGE = Outcome(100, b"", b"condredirect: usage: condredirect newaddress program [ arg ... ]\n")


def both(
    tmp_path: Path, *arguments: str, env: dict[str, str] = ENV, then: str = "", message: bytes = MESSAGE
) -> tuple[Outcome, list[tuple[bytes, bytes]]]:
    """What was said and what was queued."""
    queue = QueueProgram(tmp_path, then)
    (tmp_path / "message").write_bytes(message)
    environment = {"QMAILHOME": str(tmp_path), "QMAILQUEUE": queue.path, **env}
    results = []
    for program in [ours, *([qmail_peer] if os.environ.get("QMAIL_PEER") else [])]:
        words = [
            "sh",
            "-c",
            'exec "$@" <"$0"',
            str(tmp_path / "message"),
            program("condredirect"),
            *arguments,
        ]
        done = run(words, env=environment)
        said = re.sub(rb"qp [0-9]+\n", b"qp PID\n", done.stderr)
        results.append((Outcome(done.status, done.stdout, said), queue.kept()))
    assert results[0] == results[-1]
    return results[0]


def test_redirected(tmp_path: Path) -> None:
    done, kept = both(tmp_path, "bob@example.net", "grep", "-q", "hello")
    assert done == Outcome(99, b"", b"condredirect: qp PID\n")
    line = ENV["DTLINE"].encode()
    assert kept == [(line + MESSAGE, b"Fjoe@example.com\0Tbob@example.net\0\0")]


@pytest.mark.parametrize("message", [b"", b"\0\xff\r", b"x" * 1_000_000])
def test_any_message(message: bytes, tmp_path: Path) -> None:
    _, [(passed_on, _)] = both(tmp_path, "bob", "true", message=message)
    assert passed_on == ENV["DTLINE"].encode() + message


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (["false"], Outcome(0, b"", b"")),
        (["no-such-program"], Outcome(0, b"", b"")),
        (["sh", "-c", "exit 111"], Outcome(111, b"", b"condredirect: fatal: temporary child error\n")),
        (["sh", "-c", "exit 100"], Outcome(0, b"", b"")),
        (["sh", "-c", "kill -9 $$"], Outcome(111, b"", b"condredirect: fatal: child crashed\n")),
    ],
)
def test_not_redirected(program: list[str], expected: Outcome, tmp_path: Path) -> None:
    assert both(tmp_path, "bob", *program) == (expected, [])


@pytest.mark.parametrize(
    ("then", "status", "text"),
    [
        ("exit 31", 100, b"mail server permanently rejected message (#5.3.0)"),
        ("exit 53", 111, b"qq write error or disk full (#4.3.0)"),
        ("printf 'Dno' >&6; exit 82", 100, b"no"),
    ],
)
def test_it_is_not_queued(then: str, status: int, text: bytes, tmp_path: Path) -> None:
    done, _ = both(tmp_path, "bob", "true", then=then)
    assert done == Outcome(status, b"", b"condredirect: fatal: " + text + b"\n")


@pytest.mark.parametrize("missing", ENV)
def test_unset(missing: str, tmp_path: Path) -> None:
    env = {name: value for name, value in ENV.items() if name != missing}
    done, kept = both(tmp_path, "bob", "true", env=env)
    assert done == Outcome(100, b"", f"condredirect: fatal: {missing} not set\n".encode())
    assert kept == []


@pytest.mark.parametrize("arguments", [[], ["bob"]])
def test_usage(arguments: list[str], tmp_path: Path) -> None:
    assert both(tmp_path, *arguments) == (USAGE, [])


def test_no_home(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MESSAGE)
    env = {**ENV, "QMAILHOME": str(tmp_path / "nowhere")}
    done = run(["sh", "-c", 'exec "$1" bob true <"$0"', str(tmp_path / "m"), ours("condredirect")], env=env)
    assert done == Outcome(111, b"", b"condredirect: fatal: qq trouble in home directory (#4.3.0)\n")


def test_a_message_that_cannot_be_rewound(tmp_path: Path) -> None:
    done = run([ours("condredirect"), "bob", "true"], MESSAGE, env={**ENV, "QMAILHOME": str(tmp_path)})
    assert done == Outcome(111, b"", b"condredirect: fatal: unable to rewind: unseekable descriptor\n")
