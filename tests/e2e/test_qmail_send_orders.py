"""What an administrator orders of a running qmail-send; holds; what was said last; the null client's schedule.

Not tested: queue/orders that cannot be read.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from smarthost.store.queueorders import BOUNCE, DELETE, RETRY, Orders
from tests.support.homes import make_home
from tests.support.queueprogram import QueueProgram
from tests.support.run import ours
from tests.support.sendrig import LOCAL, REMOTE, Rig, queue_message

if TYPE_CHECKING:
    from pathlib import Path


class Host:
    def __init__(self, place: Path) -> None:
        self.home = make_home(place / "home")
        (self.home / "control/me").write_text("here.example\n")
        (self.home / "control/virtualdomains").write_text("virtual.example:joe\n")
        (self.home / "queue/why").mkdir(exist_ok=True)
        self.queue_program = QueueProgram(place / "queue-program")
        self.orders = Orders(os.fsencode(self.home / "queue"))

    def start(self) -> Rig:
        return Rig([ours("qmail-send")], self.home, env={"QMAILQUEUE": self.queue_program.path})

    def queue(self, *recipients: bytes) -> int:
        return queue_message(self.home, list(recipients))

    def deferred(self, rig: Rig, *recipients: bytes) -> int:
        """A message whose recipients all have to wait."""
        number = self.queue(*recipients)
        rig.pull()
        for recipient in recipients:
            channel = REMOTE if recipient.endswith(b"there.example") else LOCAL
            rig.deliver(channel, b"Zlater\n")
        return number

    def left(self, number: int) -> list[str]:
        queue = self.home / "queue"
        return sorted(
            str(path.relative_to(queue))
            for path in queue.rglob(f"{number}*")
            if path.name.partition(".")[0] == str(number) and path.is_file()  # not 1234 for 123
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_retry_one(host: Host) -> None:
    with host.start() as rig:
        first = host.deferred(rig, b"a@here.example")
        second = host.deferred(rig, b"b@here.example")
        order = host.orders.place(second, RETRY)
        rig.pull()
        assert rig.deliver(LOCAL, b"Kok\n").recipient == b"b@here.example"
        rig.until(lambda: not host.left(second), "its removal")
        assert not host.orders.is_pending(order)
        rig.end()
        assert rig.is_quiet()
    assert host.left(first)


def test_bounce_one(host: Host) -> None:
    with host.start() as rig:
        number = host.queue(b"done@here.example", b"box@virtual.example", b"far@there.example")
        rig.pull()
        done, deferred = rig.command(LOCAL), rig.command(LOCAL)
        rig.report(LOCAL, done, b"Kok\n")
        rig.report(LOCAL, deferred, b"Zlater\n")
        rig.deliver(REMOTE, b"Zlater\n")
        host.orders.place(number, BOUNCE)
        rig.pull()
        rig.until(lambda: not host.left(number), "its removal")
        assert b"bounce msg %d qp " % number in rig.log
        rig.end()
    [(message, envelope)] = host.queue_program.kept()
    why = b"I'm not going to try again; the administrator has given up this message.\n"
    assert b"\n<box@virtual.example>:\n" + why + b"\n<far@there.example>:\n" + why + b"\n---" in message
    assert b"done@here.example" not in message.partition(b"--- Below")[0]
    assert envelope == b"F\0Tme@sender.example\0\0"


def test_delete_one(host: Host) -> None:
    with host.start() as rig:
        number = host.queue(b"a@here.example", b"b@here.example")
        rig.pull()
        first, second = rig.command(LOCAL), rig.command(LOCAL)
        rig.report(LOCAL, first, b"Dno\n")
        rig.report(LOCAL, second, b"Zlater\n")
        host.orders.place(number, DELETE)
        rig.pull()
        rig.until(lambda: not host.left(number), "its removal")
        assert b"end msg %d\n" % number in rig.log
        rig.end()
    assert host.queue_program.kept() == []


@pytest.mark.parametrize("verb", [BOUNCE, DELETE])
def test_not_while_it_is_delivered(host: Host, verb: bytes) -> None:
    """The delivery that runs may succeed: its report counts, and then the order."""
    number = host.queue(b"a@here.example", b"b@here.example")
    (host.home / "control/concurrencylocal").write_text("2\n")
    with host.start() as rig:
        first, second = rig.command(LOCAL), rig.command(LOCAL)
        order = host.orders.place(number, verb)
        rig.pull()
        rig.report(LOCAL, first, b"Kok\n")
        assert host.orders.is_pending(order)
        rig.report(LOCAL, second, b"Zlater\n")
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()
    bounced = [message.partition(b"--- Below")[0] for message, _ in host.queue_program.kept()]
    assert len(bounced) == (1 if verb == BOUNCE else 0)
    assert all(b"<b@here.example>" in head and b"<a@" not in head for head in bounced)


def test_an_order_given_before_the_start(host: Host) -> None:
    number = host.queue(b"a@here.example")
    host.orders.place(number, DELETE)
    with host.start() as rig:
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()
        # It was in todo still, so its first delivery may have been on its way.
        assert rig.log.count(b"end msg") == 1


def test_an_order_for_nobody(host: Host) -> None:
    number = host.queue(b"a@here.example")
    order = host.orders.place(number, DELETE)
    for name in host.left(number):
        if not name.startswith("orders/"):
            (host.home / "queue" / name).unlink()
    with host.start() as rig:
        rig.until(lambda: not host.orders.is_pending(order), "the order's end")
        rig.end()
    assert b"end msg" not in rig.log


def test_hold_and_release(host: Host) -> None:
    number = host.queue(b"a@here.example")
    host.orders.hold(number)
    other = host.queue(b"b@here.example")
    with host.start() as rig:
        assert rig.deliver(LOCAL, b"Kok\n").recipient == b"b@here.example"
        rig.until(lambda: not host.left(other), "its removal")
        rig.kill(signal.SIGALRM)
        third = host.queue(b"c@here.example")
        rig.pull()
        assert rig.deliver(LOCAL, b"Kok\n").recipient == b"c@here.example"
        rig.until(lambda: not host.left(third), "its removal")
        host.orders.release(number)
        rig.pull()
        assert rig.deliver(LOCAL, b"Kok\n").recipient == b"a@here.example"
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()


def test_a_held_message_can_be_removed_and_its_hold_goes_with_it(host: Host) -> None:
    number = host.queue(b"a@here.example")
    host.orders.hold(number)
    with host.start() as rig:
        rig.until_log(b"info msg")
        host.orders.place(number, BOUNCE)
        rig.pull()
        rig.until(lambda: not host.left(number), "its removal and the hold's")
        rig.end()
    assert len(host.queue_program.kept()) == 1


def test_a_held_message_keeps_its_time(host: Host) -> None:
    """qmail-send ends, and the next knows when it was due."""
    number = host.queue(b"a@here.example")
    host.orders.hold(number)
    with host.start() as rig:
        rig.until_log(b"info msg")
        rig.end()
    local = host.home / f"queue/local/{number % 23}/{number}"
    info = host.home / f"queue/info/{number % 23}/{number}"
    assert info.stat().st_mtime - 1 <= local.stat().st_mtime < info.stat().st_mtime + 100
    host.orders.release(number)
    with host.start() as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()


def test_what_was_said_last(host: Host) -> None:
    with host.start() as rig:
        number = host.deferred(rig, b"a@here.example", b"far@there.example")
        why = host.home / f"queue/why/{number}"
        assert why.read_bytes() == b"local a@here.example\tlater\nremote far@there.example\tlater\n"
        rig.kill(signal.SIGALRM)
        local, remote = rig.command(LOCAL), rig.command(REMOTE)
        rig.report(REMOTE, remote, b"ZConnected\tto 192.0.2.1\nbut it hung up. (#4.4.2)\n" + b"x" * 5000)
        rig.report(LOCAL, local, b"Kok\n")
        [line] = why.read_bytes().splitlines()
        assert line.startswith(
            b"remote far@there.example\tConnected to 192.0.2.1 but it hung up. (#4.4.2) xxx"
        )
        assert len(line) < 600
        rig.kill(signal.SIGALRM)
        rig.deliver(REMOTE, b"Kok\n")
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()


def test_without_the_directories_nothing_is_written(host: Host) -> None:
    for name in ("orders", "hold", "why"):
        path = host.home / "queue" / name
        if path.exists():
            path.rmdir()
    with host.start() as rig:
        number = host.deferred(rig, b"a@here.example")
        rig.kill(signal.SIGALRM)
        rig.deliver(LOCAL, b"Kok\n")
        rig.until(lambda: not host.left(number), "its removal")
        rig.end()
    assert b"warning" not in rig.log


def test_a_null_client_tries_again_as_nullmailer_does(host: Host) -> None:
    for name, content in (("remotes", "smart.example\n"), ("pausetime", "1000\n"), ("maxpause", "3000\n")):
        (host.home / "control" / name).write_text(content)
    with host.start() as rig:
        number = host.deferred(rig, b"far@there.example", b"a@here.example")
        rig.end()
    info = (host.home / f"queue/info/{number % 23}/{number}").stat().st_mtime // 1
    remote = host.home / f"queue/remote/{number % 23}/{number}"
    assert remote.stat().st_mtime == info + 1000
    os.utime(host.home / f"queue/info/{number % 23}/{number}", (info - 3500, info - 3500))
    with host.start() as rig:
        rig.until_log(b"status: ")
        rig.kill(signal.SIGALRM)
        for channel in (REMOTE, LOCAL):
            rig.deliver(channel, b"Zlater\n")
        rig.end()
    # 1000, 1000 + 2000, and then 3000 at a time.
    assert remote.stat().st_mtime == info - 3500 + 6000
