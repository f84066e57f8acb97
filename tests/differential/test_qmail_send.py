"""qmail-send beside the one that QMAIL_PEER names: the log line by line, the queue's files, and the bounces.

The test stands for qmail-lspawn, qmail-rspawn and qmail-clean, and takes every step with both. And either
goes on where the other left a queue.

Not tested: alerts about memory and about directories that cannot be opened, which need ten seconds each.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home, queued
from tests.support.peerhome import peer_in_home
from tests.support.queueprogram import QueueProgram
from tests.support.run import ours
from tests.support.sendrig import LOCAL, REMOTE, Rig, named, queue_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

CONTROLS = {
    "me": "here.example\n",
    "locals": "here.example\nALSO.example\n",
    "virtualdomains": "virtual.example:joe\n.wild.example:wild\nann@mixed.example:ann\nnot.wild.example:\n",
    "percenthack": "percent.example\n",
    "bouncefrom": "bounce master\n",
    "doublebounceto": "double\n",
}


@dataclass
class Side:
    home: Path
    argv: list[str]
    queue_program: QueueProgram
    numbers: list[int] = field(default_factory=list)
    log: bytes = b""
    statuses: list[int] = field(default_factory=list)

    def start(self, **options: Any) -> Rig:
        env = {"QMAILQUEUE": self.queue_program.path}
        return Rig(self.argv, self.home, env=env, **options)

    def queue(self, *recipients: bytes, **options: Any) -> int:
        number = queue_message(self.home, list(recipients), **options)
        self.numbers.append(number)
        return number

    def end(self, rig: Rig, signum: int | None = signal.SIGTERM) -> None:
        self.statuses.append(rig.end(signum))
        self.log += rig.log

    def outcome(self) -> tuple[bytes, list[int], dict[str, tuple[bytes, int]], list[tuple[bytes, bytes]]]:
        files = {}
        for name, content in queued(self.home).items():
            if name.startswith("why/"):  # ours alone
                continue
            status = os.stat(self.home / "queue" / name)
            files[named(os.fsencode(name), self.numbers).decode()] = (content, status.st_mode)
        kept = [(named(message, self.numbers), envelope) for message, envelope in self.queue_program.kept()]
        return named(self.log, self.numbers), self.statuses, files, kept


def make_side(place: Path, peer: bool) -> Side:
    home = make_home(place / "home")
    for name, content in CONTROLS.items():
        (home / "control" / name).write_text(content)
    argv = peer_in_home("qmail-send", home) if peer else [ours("qmail-send")]
    return Side(home, argv, QueueProgram(place / "queue-program"))


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    return make_side(tmp_path / "theirs", peer=True), make_side(tmp_path / "ours", peer=False)


Scenario = "Callable[[Side], None]"


def success(side: Side) -> None:
    side.queue(b"joe@here.example", b"far@there.example")
    with side.start() as rig:
        local, remote = rig.command(LOCAL), rig.command(REMOTE)
        rig.report(LOCAL, local, b"Kdid 1+0+0\ndone 100%\n")
        rig.report(REMOTE, remote, b"K192.0.2.1 accepted message.\nRemote host said: 250 ok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def many_recipients(side: Side) -> None:
    side.queue(*[b"u%d@here.example" % number for number in range(25)])
    with side.start() as rig:
        running = [rig.command(LOCAL) for _ in range(10)]
        for _ in range(15):
            rig.report(LOCAL, running.pop(3), b"Kok\n")
            running.append(rig.command(LOCAL))
        for command in running:
            rig.report(LOCAL, command, b"Kok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def rewriting(side: Side) -> None:
    (side.home / "control/concurrencylocal").write_text("20\n")
    side.queue(
        b"no-host",
        b"Joe@Here.Example",
        b"joe@also.example",
        b"box@virtual.example",
        b"box@a.b.wild.example",
        b"box@not.wild.example",
        b"box@wild.example",
        b"ANN@Mixed.Example",
        b"bob@mixed.example",
        b"a%b%here.example@percent.example",
        b"a%virtual.example@Percent.example",
        b"plain@percent.example",
        b"@here.example",
        b"",
        b"a@b@here.example",
        b"%@percent.example",
        b"spa ce%@there.example",
    )
    with side.start(limits=(b"\xff", b"\xff")) as rig:
        local = [rig.command(LOCAL) for _ in range(11)]
        remote = [rig.command(REMOTE) for _ in range(6)]
        side.log += b"".join(
            b"%r\n" % ((command.slot, command.sender, command.recipient),) for command in local
        )
        for command in local:
            rig.report(LOCAL, command, b"D\n")
        for command in remote:
            rig.report(REMOTE, command, b"Dno\n\nsuch\n\n\nuser\n\n")
        rig.until_log(b"end msg")
        side.end(rig)


def deferral_and_failure(side: Side) -> None:
    side.queue(b"a@here.example", b"b@here.example", b"c@here.example", b"box@virtual.example")
    with side.start() as rig:
        first, second, third, fourth = (rig.command(LOCAL) for _ in range(4))
        rig.report(LOCAL, second, b"Zlater\n")
        rig.report(LOCAL, first, b"Dnever")
        rig.report(LOCAL, third, b"X?")
        rig.report(LOCAL, fourth, b"D")
        side.end(rig)


def garbage(side: Side) -> None:
    side.queue(b"a@here.example", b"far@there.example")
    with side.start() as rig:
        local, remote = rig.command(LOCAL), rig.command(REMOTE)
        os.write(rig.says[LOCAL], b"\x05Kfor nobody\0\xffKneither\0")
        rig.until_log(b"out of range", 2)
        rig.report(LOCAL, local, b"")
        rig.report(REMOTE, remote, b"Z" + b"long \x01\xff" * 3000)
        side.end(rig)


def spawn_died(side: Side) -> None:
    side.queue(b"a@here.example", b"far@there.example")
    with side.start() as rig:
        rig.command(LOCAL)
        remote = rig.command(REMOTE)
        rig.hang_up(LOCAL)
        rig.until_log(b"lost spawn")
        rig.report(REMOTE, remote, b"Zlater\n")
        side.end(rig, None)


def clean_died(side: Side) -> None:
    side.queue(b"a@here.example")
    with side.start() as rig:
        rig.hang_up(2)
        rig._open.discard(rig._hears[2])
        side.end(rig, None)


def clean_refuses(side: Side) -> None:
    side.queue(b"a@here.example")
    with side.start(clean=lambda _: b"!") as rig:
        rig.until_log(b"unable to clean up")
        side.end(rig)


def clean_refuses_the_end(side: Side) -> None:
    side.queue()
    with side.start(clean=lambda command: b"x" if command.startswith(b"foop") else None) as rig:
        rig.until_log(b"unable to clean up")
        side.end(rig)


def bounce(side: Side) -> None:
    side.queue(b"a@here.example", b"box@virtual.example", sender=b"odd box@sender.example")
    with side.start() as rig:
        first, second = rig.command(LOCAL), rig.command(LOCAL)
        rig.report(LOCAL, first, b"DSorry, no mailbox here by that name. (#5.1.1)\n")
        rig.report(LOCAL, second, b"Dline\n\n\n\nline")
        rig.until_log(b"end msg")
        side.end(rig)


def double_bounce(side: Side) -> None:
    side.queue(b"a@here.example", sender=b"")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"end msg")
        side.end(rig)


def triple_bounce(side: Side) -> None:
    side.queue(b"a@here.example", sender=b"#@[]")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"end msg")
        side.end(rig)


def verp(side: Side) -> None:
    side.queue(b"a@here.example", b"far@there.example", sender=b"list-@lists.example-@[]")
    with side.start() as rig:
        commands = rig.command(LOCAL), rig.command(REMOTE)
        side.log += b"%r %r\n" % (commands[0].sender, commands[1].sender)
        rig.report(LOCAL, commands[0], b"Dno\n")
        rig.report(REMOTE, commands[1], b"Dno\n")
        rig.until_log(b"end msg")
        side.end(rig)


def no_queue_program(side: Side) -> None:
    side.queue(b"a@here.example")
    os.unlink(side.queue_program.path)
    with side.start() as rig:
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"trouble injecting")
        side.end(rig)


def dying(side: Side) -> None:
    (side.home / "control/queuelifetime").write_text("100\n")
    number = side.queue(b"a@here.example", b"b@here.example")
    with side.start() as rig:
        for command in [rig.command(LOCAL) for _ in range(2)]:
            rig.report(LOCAL, command, b"Zlater\n")
        side.end(rig)
    long_ago = time.time() - 1000
    os.utime(side.home / f"queue/info/{number % 23}/{number}", (long_ago, long_ago))
    with side.start() as rig:
        rig.until_log(b"status: ")
        rig.kill(signal.SIGALRM)
        first, second = rig.command(LOCAL), rig.command(LOCAL)
        rig.report(LOCAL, first, b"Ztoo bad")
        rig.report(LOCAL, second, b"Kgot it at last\n")
        rig.until_log(b"end msg")
        side.end(rig)


def alarm(side: Side) -> None:
    side.queue(b"a@here.example")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Zlater\n")
        rig.kill(signal.SIGALRM)
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def hangup(side: Side) -> None:
    with side.start() as rig:
        rig.until_log(b"status: ")
        (side.home / "control/locals").write_text("new.example\n")
        (side.home / "control/virtualdomains").unlink()
        (side.home / "control/percenthack").unlink()
        rig.kill(signal.SIGHUP)
        side.queue(
            b"a@new.example", b"a@here.example", b"box@virtual.example", b"a%new.example@percent.example"
        )
        rig.pull()
        for channel in (LOCAL, REMOTE):
            for command in [rig.command(channel) for _ in range(2)]:
                rig.report(channel, command, b"Kok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def hangup_without_controls(side: Side) -> None:
    with side.start() as rig:
        rig.until_log(b"status: ")
        for name in ("locals", "virtualdomains"):
            (side.home / "control" / name).rename(side.home / "control" / (name + ".kept"))
            (side.home / "control" / name).mkdir()
            rig.kill(signal.SIGHUP)
            rig.until_log(b"unable to reread control/" + name.encode())
            (side.home / "control" / name).rmdir()
            (side.home / "control" / (name + ".kept")).rename(side.home / "control" / name)
        side.end(rig)


def terminated_while_delivering(side: Side) -> None:
    side.queue(b"a@here.example", b"b@here.example")
    (side.home / "control/concurrencylocal").write_text("1\n")
    with side.start() as rig:
        command = rig.command(LOCAL)
        rig.kill(signal.SIGTERM)
        # What comes now is left alone.
        side.queue(b"c@here.example")
        rig.pull()
        rig.report(LOCAL, command, b"Kok\n")
        side.end(rig, None)


def bad_todo(side: Side) -> None:
    number = side.queue(b"a@here.example")
    todo = side.home / f"queue/todo/{number}"
    todo.write_bytes(todo.read_bytes() + b"Xwhat\0")
    with side.start() as rig:
        rig.until_log(b"unknown record type")
        side.end(rig)


def half_a_record(side: Side) -> None:
    number = side.queue(b"a@here.example")
    todo = side.home / f"queue/todo/{number}"
    todo.write_bytes(todo.read_bytes() + b"Tb@here.exam")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def no_message(side: Side) -> None:
    number = side.queue(b"a@here.example")
    (side.home / f"queue/mess/{number % 23}/{number}").unlink()
    with side.start() as rig:
        rig.until_log(b"unable to stat")
        side.end(rig)


def names_that_are_no_numbers(side: Side) -> None:
    for name in ("todo/x1", "todo/1x", "info/0/abc", "mess/0/abc"):
        (side.home / "queue" / name).write_bytes(b"")
    success(side)


def a_broken_recipients_file(side: Side) -> None:
    number = side.queue(b"a@here.example", b"b@here.example")
    with side.start() as rig:
        for command in [rig.command(LOCAL) for _ in range(2)]:
            rig.report(LOCAL, command, b"Zlater\n")
        side.end(rig)
    (side.home / f"queue/local/{number % 23}/{number}").write_bytes(b"Ta@here.example\0Xb@here.example\0")
    with side.start() as rig:  # it was written now, so it is due
        command = rig.command(LOCAL)
        rig.until_log(b"unknown record type")
        rig.report(LOCAL, command, b"Kok\n")
        side.end(rig)


def a_broken_info_file(side: Side) -> None:
    number = side.queue(b"a@here.example")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Zlater\n")
        side.end(rig)
    (side.home / f"queue/info/{number % 23}/{number}").write_bytes(b"Fno end")
    with side.start() as rig:
        rig.until_log(b"status: ")
        rig.kill(signal.SIGALRM)
        rig.until_log(b"trouble opening")
        side.end(rig)


def left_over_files(side: Side) -> None:
    """As from a crash in the middle of preprocessing."""
    number = side.queue(b"a@here.example")
    for name in ("info", "local", "remote"):
        (side.home / f"queue/{name}/{number % 23}/{number}").write_bytes(b"Twrong@here.example\0")
    with side.start() as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        side.end(rig)


def swept(side: Side) -> None:
    old = side.queue(b"a@here.example")
    (side.home / f"queue/todo/{old}").unlink()
    young = side.queue(b"a@here.example")
    (side.home / f"queue/todo/{young}").unlink()
    long_ago = time.time() - 37 * 3600
    mess = side.home / f"queue/mess/{old % 23}/{old}"
    os.utime(mess, (long_ago, long_ago))
    with side.start() as rig:
        rig.until(lambda: not mess.exists(), "the sweep")
        side.end(rig)


def nothing_at_once(side: Side) -> None:
    (side.home / "control/concurrencyremote").write_text("0\n")
    side.queue(b"far@there.example")
    with side.start(limits=(b"\x01", b"\x05")) as rig:
        rig.until_log(b"info msg")
        side.end(rig)


SCENARIOS: list[Callable[[Side], None]] = [
    success,
    many_recipients,
    rewriting,
    deferral_and_failure,
    garbage,
    spawn_died,
    clean_died,
    clean_refuses,
    clean_refuses_the_end,
    bounce,
    double_bounce,
    triple_bounce,
    verp,
    no_queue_program,
    dying,
    alarm,
    hangup,
    hangup_without_controls,
    terminated_while_delivering,
    bad_todo,
    half_a_record,
    no_message,
    names_that_are_no_numbers,
    a_broken_recipients_file,
    a_broken_info_file,
    left_over_files,
    swept,
    nothing_at_once,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_it_says_and_leaves_the_same(sides: tuple[Side, Side], scenario: Callable[[Side], None]) -> None:
    theirs, mine = sides
    scenario(theirs)
    scenario(mine)
    log, *rest = mine.outcome()
    their_log, *their_rest = theirs.outcome()
    assert log.splitlines() == their_log.splitlines()
    assert rest == their_rest
