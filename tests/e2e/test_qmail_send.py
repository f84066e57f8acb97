"""qmail-send with the real qmail-queue, qmail-clean and a user's maildir: a message's whole way, and a bounce's.

Not tested here: many hosts and supervisors, which have their own files.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import qmail_send
from smarthost.store import spool
from tests.support import processes
from tests.support.homes import make_home
from tests.support.run import TIMEOUT, ours, run
from tests.support.sendrig import LOCAL, Rig, queue_message
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smarthost.store.controls import Controls


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "home")
    (home / "control/me").write_text("here.example\n")
    (home / "control/doublebounceto").write_text("double\n")
    return home


def test_domains_that_change_while_it_starts(home: Path) -> None:
    """With the HUP that says so: it neither dies of it nor goes on with what it read before."""

    def body() -> int:
        class Facts(qmail_send.Facts):
            def __init__(self, controls: Controls) -> None:
                super().__init__(controls)
                (home / "control/locals").write_text("new.example\n")
                os.kill(os.getpid(), signal.SIGHUP)

        qmail_send.Facts = Facts  # type: ignore[misc]
        return qmail_send.main([])

    queue_message(home, [b"a@new.example"])
    with Rig(body, home) as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        assert rig.end() == 0


QUEUE_PROGRAMS: dict[str, Callable[[Path], None]] = {
    "ours": lambda home: (home / "bin/qmail-queue").symlink_to(ours("qmail-queue")),
    "started anew": lambda home: _script(home / "bin/qmail-queue", f'exec {ours("qmail-queue")} "$@"'),
}


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("queue_program", QUEUE_PROGRAMS)
def test_a_bounce_goes_through_the_queue(home: Path, queue_program: str) -> None:
    """And that bounces, and the double bounce fails too: then it is over."""
    QUEUE_PROGRAMS[queue_program](home)
    queue_message(
        home, [b"a@here.example"], sender=b"b@here.example", message=b"Subject: the first\n\n" + b"x" * 200000
    )
    with Rig([ours("qmail-send")], home) as rig:
        for recipient, sender in ((b"a", b"b@here.example"), (b"b", b""), (b"double", b"#@[]")):
            command = rig.command(LOCAL)
            assert (command.recipient, command.sender) == (recipient + b"@here.example", sender)
            message = (home / "queue/mess" / os.fsdecode(command.message)).read_bytes()
            rig.report(LOCAL, command, b"Dno %s\n" % recipient)
        rig.until_log(b"triple bounce: discarding bounce/")
        rig.until_log(b"end msg", 3)
        assert rig.end() == 0
    # The double bounce has the bounce in it, and that has the message.
    assert message.startswith(b"Received: (qmail ")
    assert b"\nTo: double@here.example\n" in message
    assert (
        b"but the bounce bounced!\n\n<b@here.example>:\nno b\n\n--- Below this line is the original bounce."
        in message
    )
    assert (
        b"\n<a@here.example>:\nno a\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <b@here.example>\n"
        in message
    )
    assert message.endswith(b"Subject: the first\n\n" + b"x" * 200000)
    # Who reads the log finds the bounce by its number.
    told = re.findall(rb"bounce msg \d+ qp (\d+)\n", rig.log)
    assert len(set(told)) == 2
    assert re.findall(rb"from <(?:#@\[\])?> qp (\d+) uid %d\n" % os.getuid(), rig.log) == told


def test_a_queue_program_that_is_replaced_is_noticed(home: Path) -> None:
    """The one that is loaded is not used when the file is another."""
    QUEUE_PROGRAMS["ours"](home)
    with Rig([ours("qmail-send")], home) as rig:
        rig.until_log(b"status: ")
        (home / "bin/qmail-queue").unlink()
        _script(home / "bin/qmail-queue", "exit 31")
        queue_message(home, [b"a@here.example"])
        rig.pull()
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"trouble injecting bounce message")
        assert rig.end() == 0


def test_the_queue_program_has_nothing_of_ours(home: Path) -> None:
    _script(
        home / "bin/qmail-queue",
        f"ls /proc/$$/fd >{home}/open; grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status >>{home}/open; exit 31",
    )
    queue_message(home, [b"a@here.example"])
    with Rig([ours("qmail-send")], home) as rig:
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"trouble injecting")
        assert rig.end() == 0
    *descriptors, blocked, ignored, _ = (home / "open").read_text().splitlines()
    assert {int(each) for each in descriptors if int(each) < 10} == {
        0,
        1,
        2,
        6,
    }  # the shell has its own above
    assert int(blocked.split()[1], 16) == 0
    assert int(ignored.split()[1], 16) & ~(3 << 31) == 1 << (signal.SIGPIPE - 1)


class Service:
    """qmail-start with all of our programs, as nobody special."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("qmail-queue", "qmail-local", "qmail-getpw", "qmail-remote"):
            (home / "bin" / name).symlink_to(ours(name))
        (home / "users").mkdir()
        (home / "joe").mkdir()
        assert run([ours("maildirmake"), str(home / "joe/Maildir")]).status == 0
        self.maildir = home / "joe/Maildir/new"
        self.environment = {
            "PATH": f"{os.path.dirname(ours('qmail-send'))}:/usr/bin:/bin",
            "QMAILHOME": str(home),
        }
        self.unshare = [] if os.geteuid() else ["unshare", "-U"]
        if (
            self.unshare
            and subprocess.run([*self.unshare, "true"], check=False, capture_output=True).returncode
        ):
            pytest.skip("this user may not make a namespace")
        uid, gid = (
            subprocess.run(
                [*self.unshare, "id", flag], check=True, capture_output=True, text=True
            ).stdout.strip()
            for flag in ("-u", "-g")
        )
        (home / "users/assign").write_text(f"=joe:joe:{uid}:{gid}:{home}/joe:::\n.\n")
        assert run([ours("qmail-newu")], env=self.environment).status == 0

    def start(self) -> subprocess.Popen[bytes]:
        with open(self.home / "log", "ab") as log:
            return subprocess.Popen(
                [*self.unshare, ours("qmail-start"), "./Maildir/"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
            )

    def log(self) -> bytes:
        return (self.home / "log").read_bytes()


@pytest.mark.slow
def test_all_of_it_delivers_and_ends(home: Path) -> None:
    service = Service(home)
    queue_message(home, [b"joe@here.example"], message=b"Subject: to joe\n\nhello joe\n")
    with service.start() as child:
        try:
            [found] = eventually(lambda: list(service.maildir.iterdir()), "the message")
            message = found.read_bytes()
            # Another one wakes it.
            queue_message(home, [b"joe@here.example", b"joe@here.example"])
            spool.pull_trigger(os.fsencode(home / "queue"))
            eventually(lambda: len(list(service.maildir.iterdir())) == 3, "two more")
            eventually(lambda: service.log().count(b"end msg") == 2, "the end of both")
            child.terminate()
            assert child.wait(TIMEOUT) == 0
        finally:
            child.kill()
    assert message.startswith(b"Return-Path: <me@sender.example>\nDelivered-To: joe@here.example\n")
    assert message.endswith(b"Subject: to joe\n\nhello joe\n")
    assert service.log().endswith(b"status: exiting\n")


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["qmail-lspawn", "qmail-rspawn", "qmail-clean"])
def test_when_one_dies_the_rest_ends(home: Path, victim: str) -> None:
    service = Service(home)
    with service.start() as child:
        try:
            eventually(lambda: b"status: " in service.log(), "its start")
            [pid] = eventually(lambda: _children(child.pid, victim.encode()), victim)
            os.kill(pid, signal.SIGKILL)
            if victim == "qmail-clean":  # it is missed when it is needed
                queue_message(home, [b"joe@here.example"])
                spool.pull_trigger(os.fsencode(home / "queue"))
            assert child.wait(TIMEOUT) == 0
        finally:
            child.kill()
    lost = b"qmail-clean" if victim == "qmail-clean" else b"spawn"
    assert b"alert: oh no! lost %s connection! dying...\n" % lost in service.log()
    assert service.log().endswith(b"status: exiting\n")


def _children(parent: int, name: bytes) -> list[int]:
    return [
        child
        for child in processes.children(parent)
        if any(os.path.basename(word) == name for word in processes.command_line(child))
    ]


def test_it_looks_by_itself(home: Path) -> None:
    """Without a trigger: here at the start, for the clock is not ours to turn."""
    (home / "queue/lock/trigger").unlink()
    queue_message(home, [b"a@here.example"])
    with Rig([ours("qmail-send")], home) as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        assert rig.end() == 0


def test_a_message_after_hup_goes_by_the_new_lists(home: Path) -> None:
    """Also where it wakes up once for both, as when it had no processor for a while."""
    (home / "control/locals").write_text("here.example\n")
    with Rig([ours("qmail-send")], home) as rig:
        rig.until_log(b"status: ")
        rig.until(lambda: processes.state(rig.pid) == "S", "its sleep")
        os.kill(rig.pid, signal.SIGSTOP)
        rig.until(lambda: processes.state(rig.pid) == "T", "its stop")
        (home / "control/locals").write_text("new.example\n")
        os.kill(rig.pid, signal.SIGHUP)
        queue_message(home, [b"a@new.example"])
        rig.pull()
        os.kill(rig.pid, signal.SIGCONT)
        assert rig.deliver(LOCAL, b"Kok\n").recipient == b"a@new.example"
        rig.until_log(b"end msg")
        assert rig.end() == 0


def test_it_sleeps_when_there_is_nothing_to_do(home: Path) -> None:
    with Rig([ours("qmail-send")], home) as rig:
        rig.until_log(b"status: ")
        eventually(lambda: _sleeps_for_a_while(rig), "its sleep")
        assert rig.end() == 0


def _sleeps_for_a_while(rig: Rig) -> bool:
    before = processes.cpu(rig.pid)
    rig.until(_elapsed(0.5), "half a second")
    return processes.cpu(rig.pid) - before <= 2 and processes.state(rig.pid) == "S"


def _elapsed(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline
