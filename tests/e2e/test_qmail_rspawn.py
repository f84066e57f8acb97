"""qmail-rspawn with our qmail-remote in its forks, with any other program, and with servers at the other end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from smarthost.store import launchers
from tests.support import processes
from tests.support.aiosmtp import serving
from tests.support.remote import MESSAGE, ON_THE_WIRE, home_of, set_controls
from tests.support.run import Outcome, ours, run
from tests.support.smtpserver import Server, hang
from tests.support.spawning import Spawning
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACCEPTED = b"K127.0.0.1 accepted message.\nRemote host said: "


def home_with_mail(tmp_path: Path, **controls: str) -> Path:
    home = home_of(tmp_path, **controls)
    for number in (1, 2):
        (home / "queue/mess/0" / str(number)).write_bytes(MESSAGE)
    return home


def spawning(home: Path, env: Mapping[str, str] | None = None) -> Spawning:
    started = Spawning([ours("qmail-rspawn")], {"QMAILHOME": str(home), **(env or {})})
    assert started.concurrency() == 120
    return started


def test_deliveries(tmp_path: Path) -> None:
    with serving() as (inbox, port):
        home = home_with_mail(tmp_path, smtproutes=f":127.0.0.1:{port}")
        with spawning(home) as started:
            for number in range(40):
                started.ask(number, b"0/1", b"joe@here.example", b"carolyn+%d@there.example" % number)
            reports = started.reports(40)
            assert set(reports.values()) == {ACCEPTED + b"250 2.0.0 taken\n"}
            started.ask(3, b"0/1", b"", b"no-one@there.example")
            number, text = started.report()
            assert (number, text[:1]) == (3, b"D")
            assert text.endswith(b"550 5.1.1 no such user\nGiving up on 127.0.0.1.\n")
            started.ask(4, b"0/1", b"", b"later-on@there.example")
            assert started.report()[1].startswith(b"Z127.0.0.1 does not like recipient.\n")
            assert started.end() == (0, b"")
            assert started.stderr() == b""
    assert sorted(mail.rcpt_tos[0] for mail in inbox.mail) == sorted(
        f"carolyn+{n}@there.example" for n in range(40)
    )
    assert {mail.content for mail in inbox.mail} == {MESSAGE.replace(b"\n", b"\r\n")}


def test_control_files_count_at_once(tmp_path: Path) -> None:
    with Server() as server:
        home = home_with_mail(tmp_path, smtproutes=":127.0.0.1:1")
        with spawning(home) as started:
            started.ask(0, b"0/1", b"", b"a@there.example")
            assert started.report()[1].startswith(b"ZSorry, I wasn't able to establish an SMTP connection.")
            set_controls(home, remotes=f"127.0.0.1 smtp port={server.port}")
            started.ask(0, b"0/1", b"", b"a@there.example")
            assert started.report()[1].startswith(b"K")
            set_controls(home, remotes="x y")
            started.ask(0, b"0/1", b"", b"a@there.example")
            assert started.report()[1].startswith(b"ZUnable to read control/remotes: line 1: ")
            set_controls(home, remotes=f"127.0.0.1 smtp port={server.port}")
            started.ask(0, b"0/2", b"", b"a@there.example")
            assert started.report()[1].startswith(b"K")
    assert server.messages == [ON_THE_WIRE] * 2


def test_ours_needs_no_new_interpreter_and_a_new_one_is_noticed(tmp_path: Path) -> None:
    home = home_with_mail(tmp_path)
    program = home / "bin/qmail-remote"
    launchers.refresh(bytes(program), b"smarthost.programs.qmail.qmail_remote")
    with Server({"greeting": hang}) as server:
        set_controls(home, smtproutes=f":127.0.0.1:{server.port}")
        with spawning(home) as started:
            started.ask(0, b"0/1", b"", b"a@there.example")
            eventually(lambda: server.connections, "the delivery to begin")
            [child] = processes.children(started.process.pid)
            assert processes.program(child) == processes.program(started.process.pid)
            assert b"qmail-rspawn" in b" ".join(processes.command_line(child))
            processes.kill(child)
            assert started.report() == (0, b"Zqmail-remote crashed.\n")
            replacement = home / "bin/new"
            replacement.write_text("#!/bin/sh\nprintf 'r\\0Kreplaced: %s %s %s\\0' \"$@\"\n")
            replacement.chmod(0o755)
            replacement.rename(program)
            started.ask(0, b"0/1", b"joe@here", b"a@b@there.example")
            assert started.report() == (0, b"Kreplaced: there.example joe@here a@b@there.example")


def test_commands_that_come_while_some_are_killed(tmp_path: Path) -> None:
    """New deliveries have descriptors of the numbers that old ones had, and what is known of those is not theirs."""
    with Server({"greeting": hang}) as server:
        home = home_with_mail(tmp_path, smtproutes=f":127.0.0.1:{server.port}", timeoutremote="600")
        with spawning(home) as started:
            for number in range(20):
                started.ask(number, b"0/1", b"", b"a@there.example")
            eventually(lambda: len(processes.children(started.process.pid)) == 20, "all to begin")
            children = processes.children(started.process.pid)
            started.process.send_signal(signal.SIGSTOP)
            eventually(lambda: processes.state(started.process.pid) == "T", "it to stop")
            for child in children[:6]:
                processes.kill(child)
            eventually(lambda: all(map(processes.ended, children[:6])), "their end")
            for number in range(20, 26):
                started.ask(number, b"0/1", b"", b"a@there.example")
            started.process.send_signal(signal.SIGCONT)
            assert set(started.reports(6).values()) == {b"Zqmail-remote crashed.\n"}


def test_another_program(tmp_path: Path) -> None:
    home = home_with_mail(tmp_path)
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\nread line\nprintf \'r\\0K%s %s %s\\0\' "$PWD" "$1" "$line"\n')
    fake.chmod(0o755)
    for env in ({"QMAILREMOTE": str(fake)}, {"QMAILREMOTE": "fake", "PATH": f"{tmp_path}:/usr/bin:/bin"}):
        with spawning(home, env) as started:
            started.ask(9, b"0/1", b"", b"a@there.example")
            first = MESSAGE.splitlines()[0]
            assert started.report() == (9, b"K%b/queue/mess there.example %b" % (bytes(home), first))


def test_no_program(tmp_path: Path) -> None:
    home = home_with_mail(tmp_path)
    for named in ("none-such", str(tmp_path), str(home / "control/me")):
        with spawning(home, {"QMAILREMOTE": named}) as started:
            started.ask(9, b"0/1", b"", b"a@there.example")
            assert started.report() == (9, b"ZUnable to run qmail-remote.\n")


@pytest.mark.slow
def test_many_at_once(tmp_path: Path) -> None:
    """As many as it promises, all of them waiting; then all that end."""
    with Server({"greeting": hang}) as server:
        home = home_with_mail(tmp_path, smtproutes=f":127.0.0.1:{server.port}", timeoutremote="600")
        with spawning(home) as started:
            for number in range(120):
                started.ask(number, b"0/1", b"", b"a@there.example")
            eventually(lambda: len(processes.children(started.process.pid)) == 120, "all to begin")
            started.ask(5, b"0/1", b"", b"a@there.example")
            assert started.report() == (5, b"ZInternal error: delnum in use. (#4.3.5)\n")
            for child in processes.children(started.process.pid):
                processes.kill(child)
            assert set(started.reports(120).values()) == {b"Zqmail-remote crashed.\n"}


def test_no_queue(tmp_path: Path) -> None:
    done = run([ours("qmail-rspawn")], env={"QMAILHOME": str(tmp_path)})
    assert done == Outcome(
        111,
        b"",
        f"qmail-rspawn: fatal: unable to switch to {tmp_path}/queue/mess: file does not exist\n".encode(),
    )


def test_tls_is_loaded_where_it_may_be_spoken(tmp_path: Path) -> None:
    home = home_with_mail(tmp_path)
    for remotes, loaded in (
        ("", True),
        ("h smtp", False),
        ("h smtp starttls", True),
        ("tls:h qmqp", True),
        ("nonsense line", True),
    ):
        set_controls(home, remotes=remotes)
        with spawning(home) as started:
            assert ("/_ssl." in processes.maps(started.process.pid)) == loaded, remotes
