"""Our qmail-rspawn and the original, with a qmail-remote of the test's own that says what it is told to say."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home
from tests.support.originals import qmail_peer
from tests.support.peerhome import peer_in_home
from tests.support.remote import set_controls
from tests.support.run import blocking, ours
from tests.support.smtpserver import Server
from tests.support.spawning import Spawning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Prints what stands in the file that the recipient names, and ends as its host says.
REMOTE = """#!/bin/sh
[ $# = 3 ] || exit 99
cat "$SAYINGS/${3%%@*}"
case $1 in crash) kill -9 $$ ;; *) exit "$1" ;; esac
"""

SAYINGS = [
    b"",
    b"\0",
    b"\0\0",
    b"K",
    b"Kyes",
    b"Kyes\0",
    b"Znot now\0",
    b"Dno\0",
    b"r\0Kyes\0",
    b"r\0Znot now\0",
    b"r\0Dno\0",
    b"hrecipient\0Kyes\0",
    b"hrecipient\0Znot now\0",
    b"hrecipient\0Dgiving up\0",
    b"srecipient\0Kyes\0",
    b"srecipient\0Znot now\0",
    b"srecipient\0Dgiving up\0",
    b"r\0",
    b"h no message's report\0",
    b"s no message's report\0",
    b"r\0nonsense\0Kyes\0",
    b"srecipient\0nonsense\0Dno\0",
    b"nonsense\0",
    b"nonsense",
    b"xtext\0Kyes\0more\0",
    b"r\0r\0Kyes\0",
    b"r\0h\0Zlater\0",
    b"Kone\0Ztwo\0",
    b"Zone\0Ktwo\0",
    b"Done\0Ktwo\0",
    b"\0Kyes\0",
    b"\0x\0Dno\0",
    b"rtext\0Kmore text\nof two lines\0",
    b"s" + b"long" * 5000 + b"\0D" + b"text" * 5000 + b"\0",
    b"\xff\0K\xfe\0",
]


def home_with(tmp_path: Path, name: str) -> tuple[Path, dict[str, str]]:
    home = make_home(tmp_path / name)
    fake = tmp_path / "remote"
    fake.write_text(REMOTE)
    fake.chmod(0o755)
    for number, saying in enumerate(SAYINGS):
        (tmp_path / str(number)).write_bytes(saying)
    message = home / "queue" / "mess" / "0" / "1"
    message.write_bytes(b"Subject: x\n\nbody\n")
    os.chown(message, (home / "queue" / "mess").stat().st_uid, -1)
    return home, {"QMAILREMOTE": str(fake), "SAYINGS": str(tmp_path)}


def trusted(home: Path) -> None:
    """Give the message to whom the original trusts."""
    import pwd

    try:
        os.chown(home / "queue" / "mess" / "0" / "1", pwd.getpwnam("qmailq").pw_uid, -1)
    except (KeyError, PermissionError):
        pytest.skip("the original trusts messages of qmailq alone")


def original(home: Path, env: dict[str, str], before: Sequence[str] = ()) -> Spawning:
    argv = peer_in_home("qmail-rspawn", home)
    trusted(home)
    return Spawning([*before, *argv], env)


def mine(home: Path, env: dict[str, str], before: Sequence[str] = ()) -> Spawning:
    return Spawning([*before, ours("qmail-rspawn")], {**env, "QMAILHOME": str(home)})


def test_what_is_made_of_reports(tmp_path: Path) -> None:
    told = []
    for start in (mine, original):
        home, env = home_with(tmp_path, start.__name__)
        with start(home, env) as started:
            assert started.concurrency() == 120
            heard = {}
            for number in range(len(SAYINGS)):
                started.ask(number, b"0/1", b"joe@here", b"%d@0" % number)
            heard["said"] = started.reports(len(SAYINGS))
            for status in (b"100", b"111", b"crash"):
                started.ask(7, b"0/1", b"", b"4@" + status)
                heard[status.decode()] = dict([started.report()])
            started.ask(0, b"0/9", b"joe@here", b"4@0")
            heard["no message"] = dict([started.report()])
            started.ask(0, b"0/1", b"joe@here", b"nohost")
            heard["no host"] = dict([started.report()])
            assert started.end() == (0, b"")
        told.append(heard)
    assert told[0] == told[1]


def test_deliveries_end_also_where_sigchld_came_blocked(tmp_path: Path) -> None:
    told = []
    for start in (mine, original):
        home, env = home_with(tmp_path, start.__name__)
        with start(home, env, blocking(signal.SIGCHLD)) as started:
            started.concurrency()
            started.ask(1, b"0/1", b"joe@here", b"0@0")
            told.append(started.report())
    assert told[0] == told[1]


def test_the_table_is_emptied_at_the_start(tmp_path: Path) -> None:
    for start in (mine, original):
        home, env = home_with(tmp_path, start.__name__)
        table = home / "queue" / "lock" / "tcpto"
        table.write_bytes(b"x" * 1024)
        with start(home, env) as started:
            started.concurrency()
            assert table.read_bytes() == bytes(1024)


def test_each_with_the_others_qmail_remote(tmp_path: Path) -> None:
    """Processes meet through exec: either may be the original."""
    with Server() as server:
        for start in (mine, original):
            home, _ = home_with(tmp_path, start.__name__)
            set_controls(home, me="me.example", smtproutes=f":127.0.0.1:{server.port}")
            for remote in (ours("qmail-remote"), qmail_peer("qmail-remote")):
                argv = peer_in_home("qmail-rspawn", home)
                if start is mine:
                    argv[-1] = ours("qmail-rspawn")
                else:
                    trusted(home)
                with Spawning(argv, {"QMAILREMOTE": remote, "QMAILHOME": str(home)}) as started:
                    started.concurrency()
                    started.ask(1, b"0/1", b"joe@here", b"carolyn@there.example")
                    text = b"K127.0.0.1 accepted message.\nRemote host said: 250 queued\n"
                    assert started.report() == (1, text)
    assert len(server.messages) == 4
