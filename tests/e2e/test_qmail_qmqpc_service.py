"""qmail-qmqpc and real services: a tcpserver and a qmail-qmqpd, the originals' and ours.

Not tested: nothing known.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.peerhome import peer_in_home
from tests.support.qmqpservice import service
from tests.support.run import TIMEOUT, ours

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = b"Subject: hello\n\nworld\n"
ENVELOPE = b"Fjoe@example.com\0Tann@example.org\0Tbob@example.org\0\0"

# Keeps what it was given, then ends as it is told.
QUEUE = """#!/bin/sh
cat > "$KEPT/message"
cat <&1 > "$KEPT/envelope"
[ -z "$WORDS" ] || printf %s "$WORDS" >&6
exit "${STATUS:-0}"
"""


def qmqpd(which: str, home: Path) -> list[str]:
    return [ours("qmail-qmqpd")] if which == "ours" else peer_in_home("qmail-qmqpd", home)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of server and client at once."""
    (tmp_path / "control").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "queue-program").write_text(QUEUE)
    (tmp_path / "queue-program").chmod(0o755)
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "envelope").write_bytes(ENVELOPE)
    return tmp_path


def send(home: Path, port: int) -> tuple[int, bytes, bytes]:
    """Exit status, standard error, and what came on descriptor 6."""
    (home / "control/qmqpservers").write_text(f"127.0.0.1:{port}\n")
    reading, writing = os.pipe()
    done = subprocess.run(
        [
            "bash",
            "-c",
            'exec 0<message 1<envelope 6>&"$2"; exec "$1"',
            "bash",
            ours("qmail-qmqpc"),
            str(writing),
        ],
        cwd=home,
        env={**os.environ, "QMAILHOME": str(home)},
        pass_fds=[writing],
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
    )
    os.close(writing)
    report = os.read(reading, 65536)
    os.close(reading)
    return done.returncode, done.stderr, report


@pytest.mark.parametrize("tcpserver", ["ours", "original"])
@pytest.mark.parametrize("which", ["ours", "original"])
class TestEveryPair:
    def serve(self, which: str, tcpserver: str, home: Path, **env: str) -> tuple[int, bytes, bytes]:
        program = ours("tcpserver") if tcpserver == "ours" else original("tcpserver")
        given = {
            "QMAILHOME": str(home),
            "QMAILQUEUE": str(home / "queue-program"),
            "KEPT": str(home / "kept"),
        }
        with service(program, qmqpd(which, home), {**given, **env}) as port:
            return send(home, port)

    def test_accepted(self, which: str, tcpserver: str, home: Path) -> None:
        assert self.serve(which, tcpserver, home) == (0, b"", b"")
        received, _, message = (home / "kept/message").read_bytes().partition(b" -0000\n")
        assert received.startswith(b"Received: from unknown (127.0.0.1)\n  by ")
        assert message == MESSAGE
        assert (home / "kept/envelope").read_bytes() == ENVELOPE

    @pytest.mark.parametrize(("status", "reply"), [("31", b"Dmail server perm"), ("53", b"Zqq write error")])
    def test_refused(self, which: str, tcpserver: str, home: Path, status: str, reply: bytes) -> None:
        exited, said, report = self.serve(which, tcpserver, home, STATUS=status)
        assert exited == 82
        assert report.startswith(reply)
        assert said.endswith(b" the message: " + report[1:] + b"\n")

    def test_words_of_the_queue_come_through(self, which: str, tcpserver: str, home: Path) -> None:
        exited, _, report = self.serve(which, tcpserver, home, STATUS="82", WORDS="Dno such user (#5.1.1)")
        assert (exited, report) == (82, b"Dno such user (#5.1.1)")
