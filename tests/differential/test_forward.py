"""forward beside the original. Not tested: a machine that can start no process."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.peerhome import peer_in_home
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"NEWSENDER": "joe@example.com", "DTLINE": "Delivered-To: ann@example.org\n"}
MESSAGE = b"Subject: hello\n\nworld\n"

# Keeps what it was given, then ends as it is told.
QUEUE = """#!/bin/sh
cat > "$KEPT/message"
cat <&1 > "$KEPT/envelope"
[ -z "$WORDS" ] || printf %s "$WORDS" >&6
exit "${STATUS:-0}"
"""


def home_of(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "control").mkdir(parents=True)
    (home / "queue-program").write_text(QUEUE)
    (home / "queue-program").chmod(0o755)
    return home


def both(
    tmp_path: Path, *addresses: str | bytes, env: dict[str, str] = ENV, message: bytes = MESSAGE
) -> tuple[Outcome, dict[str, bytes]]:
    """What ours did and what reached the queue program, after seeing that the original does the same."""
    home = home_of(tmp_path)
    kept = tmp_path / "kept"
    environment = {
        "QMAILHOME": str(home),
        "QMAILQUEUE": str(home / "queue-program"),
        "KEPT": str(kept),
        **env,
    }
    results = []
    for words in ([ours("forward")], peer_in_home("forward", home)):
        kept.mkdir()
        done = run([*words, *addresses], message, env=environment)
        said = re.sub(rb"qp [0-9]+\n", b"qp PID\n", done.stderr)
        reached = {path.name: path.read_bytes() for path in kept.iterdir()}
        results.append((Outcome(done.status, done.stdout, said), reached))
        kept.rename(tmp_path / f"kept-{len(results)}")
    assert results[0] == results[1]
    return results[0]


@pytest.mark.parametrize("addresses", [[], ["ann@example.org"], ["a", "-", "--help", "-x", b"\xff@b"]])
def test_message_and_envelope(addresses: list[str | bytes], tmp_path: Path) -> None:
    done, kept = both(tmp_path, *addresses)
    assert done == Outcome(0, b"", b"forward: qp PID\n")
    assert kept == {
        "message": b"Delivered-To: ann@example.org\n" + MESSAGE,
        "envelope": b"Fjoe@example.com\0"
        + b"".join(b"T%b\0" % os.fsencode(address) for address in addresses)
        + b"\0",
    }


@pytest.mark.parametrize("message", [b"", b"\0\xff\r", b"x" * 1_000_000])
def test_any_message(message: bytes, tmp_path: Path) -> None:
    assert both(tmp_path, "ann", message=message)[1]["message"].endswith(message)


def test_an_empty_sender(tmp_path: Path) -> None:
    assert both(tmp_path, "ann", env={**ENV, "NEWSENDER": ""})[1]["envelope"] == b"F\0Tann\0\0"


@pytest.mark.parametrize(
    "status",
    [1, 11, 31, 40, 41, 51, 52, 53, 54, 55, 56, 61, 62, 66, 71, 72, 73, 74, 81, 82, 91, 99, 115, 120],
)
def test_how_the_queue_program_ended(status: int, tmp_path: Path) -> None:
    done, _ = both(tmp_path, "ann", env={**ENV, "STATUS": str(status)})
    assert done.status in (100, 111)


@pytest.mark.parametrize("words", ["Dgo away (#5.7.1)", "Znot now", "D", "Dx", "Dxy", "Z" + "x" * 300])
def test_words_of_the_queue_program(words: str, tmp_path: Path) -> None:
    both(tmp_path, "ann", env={**ENV, "STATUS": "82", "WORDS": words})


@pytest.mark.parametrize("missing", ["NEWSENDER", "DTLINE"])
def test_unset(missing: str, tmp_path: Path) -> None:
    env = {name: value for name, value in ENV.items() if name != missing}
    done, kept = both(tmp_path, "ann", env=env)
    assert done == Outcome(100, b"", f"forward: fatal: {missing} not set\n".encode())
    assert kept == {}


def test_no_queue_program(tmp_path: Path) -> None:
    done, _ = both(tmp_path, "ann", env={**ENV, "QMAILQUEUE": "/nowhere"})
    assert done == Outcome(111, b"", b"forward: fatal: unable to exec qq (#4.3.0)\n")


def test_no_home(tmp_path: Path) -> None:
    done = run([ours("forward"), "ann"], env={**ENV, "QMAILHOME": str(tmp_path / "nowhere")})
    assert done == Outcome(111, b"", b"forward: fatal: qq trouble in home directory (#4.3.0)\n")


def test_no_message(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    env = {**ENV, "QMAILHOME": str(home), "QMAILQUEUE": str(home / "queue-program"), "KEPT": str(tmp_path)}
    done = run(["sh", "-c", 'exec "$1" ann 0<&-', "sh", ours("forward")], env=env)
    assert (done.status, done.stderr[:39]) == (111, b"forward: fatal: unable to read message:"[:39])


def test_the_queue_program_of_the_home_is_the_usual_one(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    (home / "bin").mkdir()
    (home / "queue-program").rename(home / "bin/qmail-queue")
    (tmp_path / "kept").mkdir()
    done = run(
        [ours("forward"), "ann"], MESSAGE, env={**ENV, "QMAILHOME": str(home), "KEPT": str(tmp_path / "kept")}
    )
    assert done.status == 0
    assert (tmp_path / "kept/envelope").read_bytes() == b"Fjoe@example.com\0Tann\0\0"
