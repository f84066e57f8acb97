"""sendmail as real programs call it: cron, mutt, git send-email, Python's smtplib, Alpine's kind of session.

Not tested: Alpine itself.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home
from tests.support.inject import ENVIRONMENT
from tests.support.queueprogram import QueueProgram
from tests.support.queues import add_message
from tests.support.run import TIMEOUT, Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Iterator


class Host:
    """A home whose queue program keeps messages."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "control").mkdir()
        self.queue_program = QueueProgram(home)
        self.environment = {**ENVIRONMENT, "QMAILHOME": str(home), "QMAILQUEUE": self.queue_program.path}

    def sendmail(self, *arguments: str, stdin: bytes = b"", **variables: str) -> Outcome:
        return run([ours("sendmail"), *arguments], stdin, env={**self.environment, **variables})

    def kept(self) -> list[tuple[bytes, bytes]]:
        return self.queue_program.kept()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


SENT = Outcome(0, b"", b"")


def test_cron(host: Host) -> None:
    """cronie and Debian's cron: the exact words."""
    mail = b'From: "(Cron Daemon)" <root>\nTo: joe\nSubject: Cron <root@h> x\n\nout\n'
    assert host.sendmail("-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root", stdin=mail) == SENT
    [(message, envelope)] = host.kept()
    assert b'From: "\\(Cron Daemon\\)" <root@host.dom.example>\n' in message
    assert envelope == b"Froot@host.dom.example\0Tjoe@host.dom.example\0\0"


def test_mutt(host: Host) -> None:
    mail = b"From: Me <me@far.example>\nTo: joe@far.example\nBcc: hidden@far.example\n\nhello\n"
    arguments = ["-oem", "-oi", "-f", "me@far.example", "--", "joe@far.example", "hidden@far.example"]
    assert host.sendmail(*arguments, stdin=mail) == SENT
    [(message, envelope)] = host.kept()
    assert b"hidden" not in message
    assert envelope == b"Fme@far.example\0Tjoe@far.example\0Thidden@far.example\0\0"


def test_an_unknown_flag_is_a_warning(host: Host) -> None:
    outcome = host.sendmail("-Z", "-i", "joe", stdin=b"\nx\n")
    assert outcome == Outcome(0, b"", b"sendmail: warning: unknown option -Z\n")
    assert len(host.kept()) == 1


@pytest.mark.parametrize(("ends", "status"), [(0, 0), (31, 65), (71, 75), (53, 75), (111, 75), (120, 75)])
def test_exit_statuses_are_those_of_sysexits(ends: int, status: int, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.queue_program = QueueProgram(tmp_path, f"exit {ends}")
    assert host.sendmail("joe", stdin=b"\nx\n").status == status


def test_a_message_that_cannot_be_understood(host: Host) -> None:
    assert host.sendmail("-t", stdin=b"To: (joe\n\nx\n").status == 65
    assert host.sendmail("-t", stdin=b"Subject: x\n\nx\n").status == 65
    assert host.kept() == []


def test_a_qmail_inject_that_is_missing_or_dies(host: Host) -> None:
    (host.home / "bin").mkdir()
    inject = host.home / "bin" / "qmail-inject"
    inject.write_text("#!/bin/sh\nkill -9 $$\n")
    inject.chmod(0o755)
    assert host.sendmail("joe").status == 75
    inject.write_text("#!/nonexistent\n")
    assert host.sendmail("joe").status == 75


def test_the_queue(host: Host) -> None:
    assert host.sendmail("-bp") == Outcome(0, b"Mail queue is empty\n", b"")
    add_message(make_home(host.home) / "queue", remote=[b"Tann@example.org"])
    listing = host.sendmail("-bp")
    assert listing.status == 0
    assert listing.stdout.endswith(b"from <joe@example.com>\n  to <ann@example.org>\n1 message\n")
    os.symlink(ours("sendmail"), host.home / "mailq")
    assert run([str(host.home / "mailq")], env=host.environment).stdout.endswith(b"\n1 message\n")
    (host.home / "queue/mess").rename(host.home / "elsewhere")
    assert host.sendmail("-bp") == Outcome(
        75,
        b"",
        b"sendmail: fatal: unable to read %s/queue/mess: file does not exist\n" % os.fsencode(host.home),
    )


@pytest.mark.parametrize("arguments", [["-bi"], ["-I"], ["-q"], ["-q30m"]], ids=" ".join)
def test_nothing_to_do(arguments: list[str], host: Host) -> None:
    assert host.sendmail(*arguments) == SENT


def test_newaliases(host: Host) -> None:
    os.symlink(ours("sendmail"), host.home / "newaliases")
    assert run([str(host.home / "newaliases")], env=host.environment) == SENT


def test_help(host: Host) -> None:
    assert host.sendmail("--help").stdout.startswith(b"sendmail: send a message")
    assert host.sendmail("--version").stdout.startswith(b"sendmail ")


class Session:
    """`sendmail -bs` at the other end of a socket pair, for smtplib."""

    def __init__(self, host: Host, **variables: str) -> None:
        ours_end, self.theirs = socket.socketpair()
        self.theirs.settimeout(TIMEOUT)
        with ours_end:
            self.process = subprocess.Popen(
                [ours("sendmail"), "-bs"],
                stdin=ours_end.fileno(),
                stdout=ours_end.fileno(),
                env={"PATH": os.environ["PATH"], **host.environment, **variables},
            )

    def smtp(self) -> smtplib.SMTP:
        theirs = self.theirs

        class Connected(smtplib.SMTP):
            def _get_socket(self, *_: object) -> socket.socket:
                return theirs

        return Connected("localhost", local_hostname="me")


@pytest.fixture
def session(host: Host) -> Iterator[Session]:
    begun = Session(host)
    yield begun
    begun.theirs.close()
    begun.process.wait(TIMEOUT)


def test_smtplib(host: Host, session: Session) -> None:
    with session.smtp() as client:
        assert client.sendmail("me@far.example", ["joe", "a b@c.d"], "To: joe\n\n.dot\nlast") == {}
        assert client.rset()[0] == 250
        client.sendmail("<>", ["joe"], "Subject: two\n\n")
        client.mail("x")
        assert client.docmd("DATA")[0] == 503
        with pytest.raises(smtplib.SMTPDataError, match="unable to parse") as caught:
            client.sendmail("me", ["joe"], "From: (\n\n")
        assert caught.value.smtp_code == 554
    assert session.process.wait(TIMEOUT) == 0
    first, second = host.kept()
    assert first[0].endswith(b"From: me@far.example\nTo: joe@host.dom.example\n\n.dot\nlast\n")
    assert first[1] == b"Fme@far.example\0Tjoe@host.dom.example\0Ta b@c.d\0\0"
    assert second[1] == b"F\0Tjoe@host.dom.example\0\0"


def test_a_client_that_goes_away_in_a_message(host: Host) -> None:
    said = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nTo: c@d\r\n\r\nhalf a mess"
    assert host.sendmail("-bs", stdin=said).status == 75
    assert host.kept() == []


def test_a_client_that_goes_away_between_messages(host: Host) -> None:
    assert host.sendmail("-bs", stdin=b"MAIL FROM:<a@b>\r\nRCPT").status == 0


def test_everything_at_once(host: Host) -> None:
    """Alpine's kind of session, and a second message behind the first, without waiting for a reply."""
    one = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<%d@d.e>\r\nDATA\r\nTo: x@y.z\r\n\r\nhello\r\n.\r\n"
    outcome = host.sendmail("-bs", stdin=b"EHLO me\r\n" + one % 1 + one % 2 + b"QUIT\r\nNOOP\r\n")
    replies = [line[:4] for line in outcome.stdout.splitlines()]
    message = [b"250 ", b"250 ", b"354 ", b"250 "]
    assert replies == [b"220 ", b"250-", b"250-", b"250-", b"250 ", *message, *message, b"221 "]
    assert [envelope for _, envelope in host.kept()] == [b"Fa@b.c\0T%d@d.e\0\0" % each for each in (1, 2)]


def test_bare_newlines(host: Host) -> None:
    said = b"MAIL FROM:<a@b.c>\nRCPT TO:<c@d.e>\nDATA\nTo: c@d.e\n\n..x\n.\nQUIT\n"
    assert host.sendmail("-bs", stdin=said).status == 0
    [(message, _)] = host.kept()
    assert message.endswith(b"\n\n.x\n")


def test_text_cannot_pretend_to_be_commands(host: Host) -> None:
    said = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<c@d.e>\r\nDATA\r\n\r\nx\n.\nMAIL FROM:<evil@b.c>\r\n.\r\nQUIT\r\n"
    assert host.sendmail("-bs", stdin=said).status == 0
    [(message, envelope)] = host.kept()
    assert message.endswith(b"x\n.\nMAIL FROM:<evil@b.c>\n")
    assert envelope == b"Fa@b.c\0Tc@d.e\0\0"


def test_a_line_that_is_too_long(host: Host) -> None:
    outcome = host.sendmail("-bs", stdin=b"NOOP " + b"x" * 200_000 + b"\r\nNOOP\r\n")
    assert [line[:3] for line in outcome.stdout.splitlines()] == [b"220", b"500", b"250"]


@pytest.mark.parametrize("where", ["control", "environment"])
def test_the_largest_message(where: str, host: Host) -> None:
    (host.home / "control" / "databytes").write_text("20\n" if where == "control" else "1\n")
    variables = {} if where == "control" else {"DATABYTES": "20"}
    begin = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<c@d.e>\r\nDATA\r\n"
    said = (
        begin + b"x" * 19 + b"\r\n.\r\n" + begin + b"y" * 20 + b"\r\n.\r\nMAIL FROM:<a> SIZE=21\r\nQUIT\r\n"
    )
    outcome = host.sendmail("-bs", stdin=said, **variables)
    codes = [line[:3] for line in outcome.stdout.splitlines()]
    assert codes == [b"220", b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"552", b"552", b"221"]
    assert len(host.kept()) == 1


def test_a_message_larger_than_memory_is_for(host: Host) -> None:
    begin = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<c@d.e>\r\nDATA\r\nSubject: x\r\n\r\n"
    outcome = host.sendmail("-bs", stdin=begin + b"y" * 70 * 30_000 + b"\r\n.\r\nQUIT\r\n")
    assert outcome.stdout.splitlines()[-2:] == [b"250 ok", b"221 goodbye"]
    [(message, _)] = host.kept()
    assert message.endswith(b"\n\n" + b"y" * 70 * 30_000 + b"\n")


def test_no_room_for_the_message(host: Host) -> None:
    begin = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<c@d.e>\r\nDATA\r\n"
    said = begin + b"y\r\n" * 600_000 + b".\r\n" + begin + b"y\r\n.\r\nQUIT\r\n"
    outcome = host.sendmail("-bs", stdin=said, TMPDIR="/nonexistent")
    assert [line[:3] for line in outcome.stdout.splitlines()].count(b"451") == 2
    assert host.kept() == []


def test_our_name(host: Host) -> None:
    (host.home / "control" / "me").write_text("me.example\n")
    assert host.sendmail("-bs").stdout == b"220 me.example ESMTP\r\n"
    (host.home / "control" / "smtpgreeting").write_text("welcome\n")
    assert host.sendmail("-bs").stdout == b"220 welcome ESMTP\r\n"
    (host.home / "control" / "databytes").mkdir()
    assert host.sendmail("-bs").status == 75


def test_no_qmail_inject_for_a_session(host: Host) -> None:
    (host.home / "bin").mkdir()
    (host.home / "bin" / "qmail-inject").write_text("#!/nonexistent\n")
    (host.home / "bin" / "qmail-inject").chmod(0o755)
    said = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<c@d.e>\r\nDATA\r\n.\r\n"
    assert b"451 unable to run qmail-inject" in host.sendmail("-bs", stdin=said).stdout


@pytest.mark.slow
def test_git_send_email(host: Host, tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    if not (Path(run([git, "--exec-path"]).stdout.decode().strip()) / "git-send-email").exists():
        pytest.skip("git send-email is not installed")
    patch = tmp_path / "0001-x.patch"
    patch.write_text(
        "From: Joe <joe@far.example>\nSubject: [PATCH] x\nDate: 1 Nov 2026 10:00:00 -0000\n\nx\n---\n"
    )
    identity = {"GIT_AUTHOR_NAME": "Joe", "GIT_AUTHOR_EMAIL": "joe@far.example", "HOME": str(tmp_path)}
    committer = {"GIT_COMMITTER_NAME": "Joe", "GIT_COMMITTER_EMAIL": "joe@far.example"}
    outcome = run(
        [
            *(git, "send-email", "--confirm=never", f"--sendmail-cmd={ours('sendmail')}"),
            *("--from=joe@far.example", "--to=list@far.example", str(patch)),
        ],
        env={**host.environment, **identity, **committer},
        cwd=tmp_path,
    )
    assert outcome.status == 0, outcome
    [(message, envelope)] = host.kept()
    assert b"Subject: [PATCH] x\n" in message
    assert b"Tlist@far.example\0" in envelope


def test_python_runs_it_as_a_module_would(host: Host) -> None:
    """email.message's usual way: subprocess with -t -oi."""
    code = "import subprocess, sys; subprocess.run([sys.argv[1], '-t', '-oi'], input=b'To: joe\\n\\nx\\n', check=True)"
    assert run([sys.executable, "-c", code, ours("sendmail")], env=host.environment).status == 0
    assert len(host.kept()) == 1
