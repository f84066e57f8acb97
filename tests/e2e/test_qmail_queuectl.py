"""qmail-queuectl with a qmail-send at work, without one, and with qmail's own.

Not tested: a user who may not read or change the queue, which root always may.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from smarthost.store import queuesteering
from smarthost.store.queueorders import Orders
from smarthost.store.queuesteering import Steering
from tests.support.homes import make_home, queued
from tests.support.peerhome import peer_in_home
from tests.support.queues import MESSAGE, add_message, add_todo
from tests.support.queuesender import sender
from tests.support.run import Outcome, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

ALREADY_PATIENT = 0.05  # for what is waited for in vain


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return make_home(tmp_path) / "queue"


def ctl(queue: Path, *words: object) -> Outcome:
    return run([ours("qmail-queuectl"), *map(str, words)], env={"QMAILHOME": str(queue.parent)})


def line(text: str) -> Outcome:
    return Outcome(0, text.encode() + b"\n", b"")


def failure(status: int, text: str) -> Outcome:
    return Outcome(status, b"", f"qmail-queuectl: {text}\n".encode())


class TestList:
    def test_text_is_mailqs(self, queue: Path) -> None:
        add_message(queue, remote=[b"Tann@example.org"], arrived=0)
        done = ctl(queue, "list")
        assert done == run([ours("mailq")], env={"QMAILHOME": str(queue.parent)})
        assert done.stdout.endswith(b"\n1 message\n")

    def test_json(self, queue: Path) -> None:
        number = add_message(
            queue,
            sender=b"j\xff@example.com",
            local=[b"Djoe", b"Tann"],
            remote=[b"Tbob@example.org"],
            arrived=77,
        )
        (queue / f"why/{number}").write_bytes(b"remote bob@example.org\ttimed out\n")
        new = add_todo(queue, b"u1\0p2\0F\0Tann\0")
        os.utime(queue / f"todo/{new}", (78, 78))
        states = {"new": False, "held": False, "bouncing": False}

        def recipient(
            address: str, channel: str | None, error: str | None = None, done: bool = False
        ) -> object:
            return {"address": address, "channel": channel, "done": done, "error": error}

        assert [json.loads(each) for each in ctl(queue, "list", "--json").stdout.splitlines()] == [
            {
                "number": new,
                "size": len(MESSAGE),
                "arrived": 78,
                "sender": "",
                **states,
                "new": True,
                "recipients": [recipient("ann", None)],
            },
            {
                "number": number,
                "size": len(MESSAGE),
                "arrived": 77,
                "sender": "j\\xff@example.com",
                **states,
                "recipients": [
                    recipient("joe", "local", done=True),
                    recipient("ann", "local"),
                    recipient("bob@example.org", "remote", "timed out"),
                ],
            },
        ]

    def test_nothing(self, queue: Path) -> None:
        assert ctl(queue, "list") == line("Mail queue is empty")
        assert ctl(queue, "list", "--json") == Outcome(0, b"", b"")


class TestShow:
    def test_all_recipients_and_the_header(self, queue: Path) -> None:
        message = b"Subject: \x1b[2Jhello\n\tworld\r\n\nbody\n"
        number = add_message(queue, message, local=[b"Djoe", b"Tann"])
        done = ctl(queue, "show", number)
        assert re.fullmatch(
            rb"%d  33 bytes, \d+ (?:second|minute)s?, from <joe@example.com>\n"
            rb"  done <joe> \(local\)\n  to <ann> \(local\)\n"
            rb"\| Subject: \?\[2Jhello\n\| \?world\n" % number,
            done.stdout,
        ), done.stdout

    def test_no_such_message(self, queue: Path) -> None:
        assert ctl(queue, "show", 5) == failure(100, "fatal: there is no message 5 in the queue")

    def test_a_message_that_is_one_long_line(self, queue: Path) -> None:
        number = add_message(queue, b"x" * 300_000)
        assert len(ctl(queue, "show", number).stdout) < 70_000


class TestWithQmailSend:
    @pytest.mark.parametrize(
        ("verb", "said"), [("retry", "will be tried now"), ("bounce", "bounced"), ("delete", "deleted")]
    )
    def test_orders(self, queue: Path, verb: str, said: str) -> None:
        numbers = [add_message(queue) for _ in range(2)]
        with sender(queue) as running:
            done = ctl(queue, verb, *numbers)
            assert done == line("\n".join(f"{number}: {said}" for number in numbers))
            assert running.carried_out() == [f"{number} {verb}" for number in numbers]

    def test_hold_and_release(self, queue: Path) -> None:
        number = add_message(queue)
        with sender(queue):
            assert ctl(queue, "hold", number) == line(f"{number}: held")
            assert Orders(os.fsencode(queue)).is_held(number)
            assert ctl(queue, "hold", number) == line(f"{number}: was held already")
            assert ctl(queue, "retry", number) == failure(100, f"message {number} is held: release it first")
            assert ctl(queue, "release", number) == line(f"{number}: released")
            assert not Orders(os.fsencode(queue)).is_held(number)
            assert ctl(queue, "release", number) == line(f"{number}: released")

    def test_retry_all(self, queue: Path) -> None:
        with sender(queue) as running:
            assert ctl(queue, "retry", "all") == line("everything will be tried now")
            assert eventually(running.carried_out) == ["SIGALRM"]

    def test_what_it_must_do_later(self, queue: Path) -> None:
        number = add_message(queue)
        with sender(queue, is_busy=True):
            steering = Steering(os.fsencode(queue), patience=ALREADY_PATIENT)
            # On a slow machine patience may end before it looked.
            eventually(lambda: steering.order(number, b"delete") == queuesteering.LATER, "it to look")
        assert os.listdir(queue / "orders") == [f"{number}.delete"]

    def test_one_that_takes_no_orders(self, queue: Path) -> None:
        number = add_message(queue)
        with sender(queue, takes_orders=False):
            steering = Steering(os.fsencode(queue), patience=ALREADY_PATIENT)
            assert steering.order(number, b"delete") == queuesteering.UNHEARD
            assert not steering.hold(number)
        assert os.listdir(queue / "orders") + os.listdir(queue / "hold") == []

    def test_every_message_is_dealt_with(self, queue: Path) -> None:
        number = add_message(queue)
        with sender(queue):
            done = ctl(queue, "delete", 5, number)
        assert done == Outcome(
            100, b"%d: deleted\n" % number, b"qmail-queuectl: there is no message 5 in the queue\n"
        )


class TestWithoutQmailSend:
    def test_delete(self, queue: Path) -> None:
        number = add_message(queue, local=[b"Tjoe"], remote=[b"Tann@example.org"], bounce=b"x")
        Orders(os.fsencode(queue)).hold(number)
        (queue / f"why/{number}").touch()
        other = add_todo(queue, b"u1\0p2\0Fjoe\0Tann\0")
        assert ctl(queue, "delete", number, other) == line(f"{number}: deleted\n{other}: deleted")
        assert queued(queue.parent) == {}

    def test_retry(self, queue: Path) -> None:
        number = add_message(queue, remote=[b"Tann@example.org"])
        file = queue / f"remote/{number % 23}/{number}"
        for words in ((number,), ("all",)):
            os.utime(file, (2_000_000_000, 2_000_000_000))
            said = ctl(queue, "retry", *words).stdout
            assert said.endswith(b" will be tried when qmail-send starts\n")
            assert file.stat().st_mtime < 1_999_999_999

    def test_bounce_waits(self, queue: Path) -> None:
        number = add_message(queue, remote=[b"Tann@example.org"])
        assert ctl(queue, "bounce", number) == line(f"{number}: will be bounced when qmail-send starts")
        assert os.listdir(queue / "orders") == [f"{number}.bounce"]

    def test_hold(self, queue: Path) -> None:
        number = add_message(queue)
        assert ctl(queue, "hold", number) == line(f"{number}: held")
        assert ctl(queue, "release", number) == line(f"{number}: released")

    def test_no_such_message(self, queue: Path) -> None:
        for verb in ("retry", "hold", "release", "bounce", "delete"):
            assert ctl(queue, verb, 5) == failure(100, "there is no message 5 in the queue")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["list", "x"],
        ["show"],
        ["show", "x"],
        ["retry"],
        ["retry", "all", "5"],
        ["burn", "5"],
        ["delete", "-5"],
    ],
    ids=" ".join,
)
def test_bad_arguments(queue: Path, words: list[str]) -> None:
    done = ctl(queue, *words)
    assert (done.status, done.stdout) == (100, b"")
    assert done.stderr.splitlines()[-1].startswith(
        b"qmail-queuectl: usage: qmail-queuectl list [ --json ] | show"
    )


def test_no_queue(tmp_path: Path) -> None:
    for words in (["list", "--json"], ["show", "5"], ["retry", "all"], ["hold", "5"]):
        assert ctl(tmp_path / "queue", *words) == failure(
            111, f"fatal: trouble with {tmp_path}/queue/mess: file does not exist"
        )


def test_with_qmails_own(tmp_path: Path) -> None:
    """It takes the signal, and no orders. Its partners are a shell that never answers."""
    queue = make_home(tmp_path) / "queue"
    (tmp_path / "control/me").write_text("me.example.com\n")
    (tmp_path / "control/locals").write_text("")
    number = add_message(queue, remote=[b"Tann@example.org"])
    words = peer_in_home("qmail-send", tmp_path)
    script = 'exec "$@" 0>log 2<answers 4<answers 6<answers 1>/dev/null 3>/dev/null 5>/dev/null'
    os.mkfifo(tmp_path / "answers")
    answers = os.open(tmp_path / "answers", os.O_RDWR)
    os.write(answers, b"\0\0")  # lspawn's and rspawn's concurrency
    with subprocess.Popen(["sh", "-c", script, "sh", *words], cwd=tmp_path) as running:
        try:
            log = tmp_path / "log"
            eventually(lambda: log.exists() and b"status: local 0/0 remote 0/0\n" in log.read_bytes())
            assert ctl(queue, "retry", "all") == line("everything will be tried now")
            steering = Steering(os.fsencode(queue), patience=ALREADY_PATIENT)
            assert steering.order(number, b"delete") == queuesteering.UNHEARD
            assert not steering.hold(number)
            assert ctl(queue, "list").stdout.endswith(b"1 message\n")
        finally:
            running.kill()
            os.close(answers)
