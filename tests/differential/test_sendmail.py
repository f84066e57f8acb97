"""sendmail, the original's and ours: what both know, they do alike.

The original starts the qmail-inject of its own home, ours that of this installation, so the whole
way from the command line to the queue program is compared.
Not tested: -bs against qmail-smtpd, which is another program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.differential.test_qmail_inject import same_stamps
from tests.support.inject import ENVIRONMENT
from tests.support.originals import qmail_peer
from tests.support.queueprogram import QueueProgram
from tests.support.run import ours, run

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = b"To: t, u@far\nBcc: b\nSubject: x\n\nbody\n.\nafter\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "control").mkdir()
    return tmp_path


def both(
    home: Path, arguments: list[str], stdin: bytes = MESSAGE
) -> list[tuple[int, list[tuple[bytes, bytes]]]]:
    program = QueueProgram(home)
    seen = []
    for name in (qmail_peer("sendmail"), ours("sendmail")):
        environment = {**ENVIRONMENT, "QMAILHOME": str(home), "QMAILQUEUE": program.path}
        outcome = run([name, *arguments], stdin, env=environment)
        assert outcome.stdout == outcome.stderr == b""
        seen.append((outcome.status, [(same_stamps(m), envelope) for m, envelope in program.kept()]))
    return seen


@pytest.mark.parametrize(
    "arguments",
    [
        ["joe"],
        ["-t"],
        ["-t", "joe"],
        ["-ti", "-fme@far"],
        ["-oi", "-oem", "-f", "me", "joe", "jane@far"],
        ["-oi", "-f", "me", "--", "-joe"],
        ["-f", "a b@c", "joe"],
        ["-FJoe Doe", "-t"],
        ["-F", "Joe Doe", "joe"],
        ["-B8BITMIME", "-v", "-em", "-x", "-m", "-odb", "-p", "x", "-J1", "-E", "-bm", "joe"],
        ["-i", "joe", "-t"],
    ],
    ids=" ".join,
)
def test_what_both_know(arguments: list[str], home: Path) -> None:
    c, py = both(home, arguments)
    assert py == c
    assert len(py[1]) == 1


def test_an_author_from_the_sender(home: Path) -> None:
    c, py = both(home, ["-f", "me@far.example", "joe"], b"\nno fields\n")
    assert py == c
    assert b"From: me@far.example\n" in py[1][0][0]


def test_ours_starts_the_originals_qmail_inject(home: Path) -> None:
    """A user migrates one program at a time."""
    (home / "bin").mkdir()
    (home / "bin" / "qmail-inject").symlink_to(qmail_peer("qmail-inject"))
    for arguments in (["-f", "me@far", "joe"], ["-t"]):
        c, py = both(home, arguments)
        assert py == c
    program = QueueProgram(home, "exit 31")
    environment = {**ENVIRONMENT, "QMAILHOME": str(home), "QMAILQUEUE": program.path}
    outcome = run([ours("sendmail"), "joe"], MESSAGE, env=environment)
    assert outcome.status == 65
    assert outcome.stderr == b"qmail-inject: fatal: mail server permanently rejected message (#5.3.0)\n"


class TestDifferences:
    """What the manual page lists."""

    def test_brackets_and_nobody(self, home: Path) -> None:
        c, py = both(home, ["-f", "<>", "joe"])
        assert b"F<>@host.dom.example\0" in c[1][0][1]
        assert py[1][0][1] == b"F\0Tjoe@host.dom.example\0\0"

    def test_a_full_name_beside_a_sender(self, home: Path) -> None:
        c, py = both(home, ["-FCron", "-f", "root", "joe"], b"\n")
        assert b"Cron" not in c[1][0][0]
        assert b'From: "Cron" <root@' in py[1][0][0]

    @pytest.mark.parametrize(
        ("arguments", "status", "words"),
        [
            ([], 64, b"sendmail: no recipients\n"),
            (["-bd"], 64, b"sendmail: there is no mode -bd here\n"),
            (["-f"], 64, b"sendmail: option requires an argument -- f\n"),
        ],
    )
    def test_usage(self, arguments: list[str], status: int, words: bytes) -> None:
        outcome = run([ours("sendmail"), *arguments], MESSAGE)
        assert (outcome.status, outcome.stdout) == (status, b"")
        assert outcome.stderr.startswith(words + b"sendmail: usage: ")
        assert run([qmail_peer("sendmail"), "-bd"]).status == 100
