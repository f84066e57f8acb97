"""A whole mini-qmail home: made, made again, left alone where somebody changed it, and used.

Not tested: the real /usr/sbin and /usr/lib, which belong to the machine that runs the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smarthost.errors import Permanent
from smarthost.programs.admin import mini_qmail_setup
from tests.support.qmqpserver import Server, says
from tests.support.run import TIMEOUT, Outcome, ours, run

pytestmark = pytest.mark.slow

WORDS = ["mail.example.com", "example.com", "example.org", "null.example.com", "192.168.1.4"]

# As the walk-through lists them, and config-mini, which the kit kept outside.
PROGRAMS = {
    *("qmail-qmqpc", "forward", "qmail-inject", "sendmail", "predate", "datemail", "mailsubj"),
    *("qmail-showctl", "maildirmake", "maildir2mbox", "maildirwatch", "qail", "elq", "pinq"),
    *("qmail-queue", "config-mini"),
}


def setup(home: Path, *words: str) -> Outcome:
    return run([ours("mini-qmail-setup"), "--home", str(home), *words], env={})


def snapshot(home: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(home)): (
            path.lstat().st_mode,
            os.fsencode(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b"",
        )
        for path in home.rglob("*")
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home made as the walk-through makes it."""
    home = tmp_path / "mini-qmail"
    assert setup(home, *WORDS).status == 0
    return home


def test_everything_of_the_walk_through(tmp_path: Path) -> None:
    home = tmp_path / "mini-qmail"
    done = setup(home, *WORDS)
    assert (done.status, done.stderr) == (0, b"")
    assert b"\nPutting mail.example.com into control/me. . .\n" in done.stdout
    assert b"\nPutting 192.168.1.4 into control/qmqpservers. . .\n" in done.stdout
    assert done.stdout.endswith(
        f"  rm -f /usr/lib/sendmail && ln -s {home}/bin/sendmail /usr/lib/sendmail\n".encode()
    )
    assert {path.name for path in (home / "bin").iterdir()} == PROGRAMS | {".bundles"}
    assert (home / "bin/qmail-queue").readlink() == Path("qmail-qmqpc")
    assert {path.name: path.read_text() for path in (home / "control").iterdir()} == {
        "me": "mail.example.com\n",
        "defaultdomain": "example.com\n",
        "plusdomain": "example.org\n",
        "idhost": "null.example.com\n",
        "qmqpservers": "192.168.1.4\n",
    }
    pages = {path.stem for path in (home / "man").rglob("*.[158]")}
    assert pages >= PROGRAMS - {"qmail-queue"}
    assert all(path.exists() for path in (home / "man").rglob("*"))


def test_again_changes_nothing(home: Path) -> None:
    before = snapshot(home)
    done = setup(home, *WORDS)
    assert snapshot(home) == before
    assert done.status == 0
    assert b"Making" not in done.stdout
    assert b"Putting" not in done.stdout
    assert b"Keeping" not in done.stdout


def test_what_somebody_changed_is_kept(home: Path) -> None:
    (home / "control/me").write_text("another.example.com\n")
    (home / "bin/elq").write_text("#!/bin/sh\nexec mutt\n")
    (home / "bin/qmail-queue").unlink()
    (home / "bin/qmail-queue").write_text("#!/bin/sh\n")
    (home / "man/man1/elq.1").unlink()
    (home / "man/man1/elq.1").write_text("mutt\n")
    before = snapshot(home)
    done = setup(home, *WORDS)
    assert snapshot(home) == before
    for kept in ("control/me", "bin/elq", "bin/qmail-queue", "man/man1/elq.1"):
        assert f"Keeping {home}/{kept}, which is not what this would make\n".encode() in done.stdout


def test_a_launcher_for_another_interpreter_is_made_anew(home: Path) -> None:
    good = (home / "bin/elq").read_bytes()
    (home / "bin/elq").write_bytes(b"#!/nowhere/python3 -IS\n" + good.partition(b"\n")[2])
    assert setup(home, *WORDS).status == 0
    assert (home / "bin/elq").read_bytes() == good


def test_what_is_missing_comes_back(home: Path) -> None:
    before = snapshot(home)
    (home / "control/idhost").unlink()
    (home / "bin/forward").unlink()
    done = setup(home, *WORDS)
    assert snapshot(home) == before
    assert b"Putting null.example.com into control/idhost. . .\n" in done.stdout


def test_without_words_it_says_what_is_left(tmp_path: Path) -> None:
    home = tmp_path / "mini-qmail"
    done = setup(home)
    assert done.status == 0
    assert f"Now say where mail goes: {home}/bin/config-mini smarthost ".encode() in done.stdout
    assert run([str(home / "bin/config-mini"), *WORDS], env={}).status == 0
    assert (home / "control/qmqpservers").read_text() == "192.168.1.4\n"


@pytest.mark.parametrize("words", [["one"], [*WORDS[:4], "bad:port"], ["--no-such-option"], ["--home"]])
def test_words_that_make_no_sense(words: list[str], tmp_path: Path) -> None:
    done = setup(tmp_path / "mini-qmail", *words)
    assert done.status == 100
    assert done.stderr.endswith(b"mini-qmail-setup: usage: " + mini_qmail_setup.USAGE.encode() + b"\n")
    assert not (tmp_path / "mini-qmail").exists()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = setup(tmp_path / "file/home", *WORDS)
    assert done.status == 111
    assert (
        done.stderr
        == f"mini-qmail-setup: fatal: unable to make {tmp_path}/file: file already exists\n".encode()
    )


def test_a_reader_that_is_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    """`mini-qmail-setup ... | head -1` makes the whole home."""
    home = tmp_path / "mini-qmail"
    reading, writing = os.pipe()
    os.close(reading)
    words = [ours("mini-qmail-setup"), "--home", str(home), *WORDS]
    done = subprocess.run(words, stdout=writing, timeout=TIMEOUT, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert (home / "control/qmqpservers").exists()


class TestSendmailLinks:
    def test_made_and_found(self, home: Path, tmp_path: Path) -> None:
        places = [os.fsencode(tmp_path / "usr/sbin/sendmail"), os.fsencode(tmp_path / "usr/lib/sendmail")]
        mini_qmail_setup.link_sendmail(os.fsencode(home), places)
        mini_qmail_setup.link_sendmail(os.fsencode(home), places)
        assert [os.readlink(place) for place in places] == [os.fsencode(home / "bin/sendmail")] * 2

    def test_another_sendmail_is_kept_aside(self, home: Path, tmp_path: Path) -> None:
        place = tmp_path / "sendmail"
        place.write_text("another")
        mini_qmail_setup.link_sendmail(os.fsencode(home), [os.fsencode(place)])
        assert place.readlink() == home / "bin/sendmail"
        assert (tmp_path / "sendmail.before-mini-qmail").read_text() == "another"

    def test_nothing_kept_aside_is_lost(self, home: Path, tmp_path: Path) -> None:
        (tmp_path / "sendmail").write_text("newer")
        (tmp_path / "sendmail.before-mini-qmail").write_text("older")
        with pytest.raises(Permanent):
            mini_qmail_setup.link_sendmail(os.fsencode(home), [os.fsencode(tmp_path / "sendmail")])
        assert (tmp_path / "sendmail").read_text() == "newer"


class TestTheHomeIsFoundWithoutEnvironment:
    def test_by_its_programs(self, home: Path) -> None:
        done = run([str(home / "bin/qmail-showctl")], env={})
        assert done.stdout.startswith(f"qmail home directory: {home}.\n".encode())
        assert b"\n\nqmqpservers: \nQMQP server: 192.168.1.4.\n" in done.stdout

    def test_by_its_queue_program(self, home: Path) -> None:
        """forward starts bin/qmail-queue, which is a link to qmail-qmqpc, which reads control/qmqpservers."""
        with Server(says(b"Kok")) as server:
            (home / "control/qmqpservers").write_text(f"{server.line}\n")
            done = run(
                [str(home / "bin/forward"), "ann@example.org"],
                b"Subject: hello\n\n",
                env={"NEWSENDER": "joe@example.com", "DTLINE": "Delivered-To: joe\n"},
            )
        assert (done.status, done.stderr[:12]) == (0, b"forward: qp ")
        assert server.received == [
            b"34:Delivered-To: joe\nSubject: hello\n\n,15:joe@example.com,15:ann@example.org,"
        ]


def test_launchers_start_without_the_site_module(home: Path) -> None:
    first = (home / "bin/qmail-qmqpc").read_text().partition("\n")[0]
    interpreter, flags = first.removeprefix("#!").split()
    assert os.path.samefile(interpreter, sys.executable)
    assert flags == "-IS"
