"""mailq as it is started. What it shows of which queue is in tests/unit/store/test_queueview.py.

Not tested: a user who may not read the queue, which root always may.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.homes import make_home
from tests.support.queues import add_message
from tests.support.run import TIMEOUT, Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


def mailq(home: Path, *arguments: str) -> Outcome:
    return run([ours("mailq"), *arguments], env={"QMAILHOME": str(home)})


def test_what_waits(tmp_path: Path) -> None:
    queue = make_home(tmp_path) / "queue"
    number = add_message(queue, remote=[b"Tann@example.org"])
    (queue / f"why/{number}").write_bytes(b"remote ann@example.org\tconnection refused\n")
    done = mailq(tmp_path, "-v")
    assert (done.status, done.stderr) == (0, b"")
    assert re.fullmatch(
        rb"%d  \d+ bytes, \d+ (?:second|minute)s?, from <joe@example\.com>\n"
        rb"  to <ann@example\.org>\n     connection refused\n1 message\n" % number,
        done.stdout,
    )


def test_nothing_waits(tmp_path: Path) -> None:
    assert mailq(make_home(tmp_path)) == Outcome(0, b"Mail queue is empty\n", b"")
    assert mailq(tmp_path / "no queue here") == Outcome(0, b"Mail queue is empty\n", b"")


def test_a_queue_that_cannot_be_read(tmp_path: Path) -> None:
    (make_home(tmp_path) / "queue/mess").rename(tmp_path / "elsewhere")
    assert mailq(tmp_path) == Outcome(
        111,
        b"",
        b"mailq: fatal: unable to read %s/queue/mess: file does not exist\n" % os.fsencode(tmp_path),
    )


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    add_message(make_home(tmp_path) / "queue", remote=[b"T" + b"x" * 900 + b"%d" % n for n in range(500)])
    with subprocess.Popen(
        [ours("mailq")], env={"QMAILHOME": str(tmp_path)}, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.read(1)
        running.stdout.close()
        assert running.wait(TIMEOUT) == -13


def test_help(tmp_path: Path) -> None:
    assert mailq(tmp_path, "--help").stdout.startswith(b"mailq: show the messages")
