"""preline, beside the original where that is. Not tested: a machine that can start no process."""

from __future__ import annotations

import os

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run

ENV = {"UFLINE": "From joe\n", "RPLINE": "Return-Path: <joe>\n", "DTLINE": "Delivered-To: ann\n"}
USAGE = Outcome(100, b"", b"preline: usage: preline cmd [ arg ... ]\n")
MESSAGE = b"Subject: x\n\nbody"


def both(arguments: list[str], env: dict[str, str] = ENV, message: bytes = MESSAGE) -> Outcome:
    done = run([ours("preline"), *arguments], message, env=env)
    if os.environ.get("QMAIL_PEER"):
        assert run([qmail_peer("preline"), *arguments], message, env=env) == done
    return done


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ([], ("UFLINE", "RPLINE", "DTLINE")),
        (["-f"], ("RPLINE", "DTLINE")),
        (["-r"], ("UFLINE", "DTLINE")),
        (["-d"], ("UFLINE", "RPLINE")),
        (["-frd"], ()),
        (["-frd", "-FRD"], ("UFLINE", "RPLINE", "DTLINE")),
        (["-dD", "-f", "--"], ("RPLINE", "DTLINE")),
    ],
)
def test_lines(options: list[str], lines: tuple[str, ...]) -> None:
    text = "".join(ENV[line] for line in lines).encode()
    assert both([*options, "cat"]) == Outcome(0, text + MESSAGE, b"")


@pytest.mark.parametrize("message", [b"", b"x" * 300_000, b"\0\xff\r\n"])
def test_any_message(message: bytes) -> None:
    assert both(["-frd", "cat"], message=message) == Outcome(0, message, b"")


@pytest.mark.parametrize("missing", ENV)
def test_unset(missing: str) -> None:
    assert both(["-frd", "cat"], {name: value for name, value in ENV.items() if name != missing}) == USAGE


def test_an_empty_line() -> None:
    assert both(["cat"], {**ENV, "RPLINE": ""}).stdout == b"From joe\nDelivered-To: ann\n" + MESSAGE


@pytest.mark.parametrize("arguments", [[], ["-f"], ["--"]])
def test_no_program(arguments: list[str]) -> None:
    assert both(arguments) == USAGE


def test_an_option_that_does_not_exist() -> None:
    assert both(["-x", "cat"]) == Outcome(100, b"", b"preline: illegal option -- x\n" + USAGE.stderr)


@pytest.mark.parametrize("status", [0, 1, 99, 100, 111, 255])
def test_how_the_program_ended(status: int) -> None:
    assert both(["sh", "-c", f"cat >/dev/null; exit {status}"]).status == status


def test_a_crash() -> None:
    assert both(["sh", "-c", "cat >/dev/null; kill -9 $$"]) == Outcome(
        111, b"", b"preline: fatal: child crashed\n"
    )


def test_no_such_program() -> None:
    done = both(["/no/such/program"])
    assert done == Outcome(100, b"", b"preline: fatal: unable to run /no/such/program: file does not exist\n")


def test_a_message_that_cannot_be_read() -> None:
    done = run(["sh", "-c", 'exec "$0" cat 0>/dev/null', ours("preline")], env=ENV)
    assert done.status == 111
    assert done.stderr == b"preline: fatal: unable to copy input: file descriptor not open\n"


def test_a_program_that_does_not_read_it_all() -> None:
    assert run([ours("preline"), "sh", "-c", "exit 3"], b"x" * 1_000_000, env=ENV) == Outcome(3, b"", b"")
