"""A queue that a C qmail-send left is taken over by ours, and the other way round; also half way, and killed.

And how both start, or say why they cannot.

Not tested: a queue whose conf-split is not that of the C program.
"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.differential.test_qmail_send import Side, make_side
from tests.support.sendrig import LOCAL, REMOTE, Rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A message so old that a second more or less is the same to the schedule: sqrt(10050) is 100.
AGE = 10050


@pytest.fixture(params=["to ours", "from ours"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Side, Side]:
    """Who leaves the queue, and who takes it over."""
    mine = make_side(tmp_path, peer=False)
    theirs = make_side(tmp_path, peer=True)
    return (theirs, mine) if request.param == "to ours" else (mine, theirs)


def grow_old(side: Side, number: int) -> float:
    """Let the message have come in long ago: its birth."""
    info = side.home / f"queue/info/{number % 23}/{number}"
    birth = int(info.stat().st_mtime) - AGE
    os.utime(info, (birth, birth))
    return birth


def times(side: Side, number: int) -> dict[str, float]:
    files = {name: side.home / f"queue/{name}/{number % 23}/{number}" for name in ("local", "remote")}
    return {name: file.stat().st_mtime for name, file in files.items() if file.exists()}


def test_the_next_try_is_on_the_disk(pair: tuple[Side, Side]) -> None:
    first, second = pair
    number = first.queue(b"a@here.example", b"far@there.example")
    with first.start() as rig:
        commands = rig.command(LOCAL), rig.command(REMOTE)
        for channel in (LOCAL, REMOTE):
            rig.report(channel, commands[channel], b"Zlater\n")
        rig.end()
    birth = grow_old(first, number)
    with first.start() as rig:
        rig.until_log(b"status: ")
        rig.kill(signal.SIGALRM)
        commands = rig.command(LOCAL), rig.command(REMOTE)
        for channel in (LOCAL, REMOTE):
            rig.report(channel, commands[channel], b"Zlater\n")
        rig.end()
    left = times(first, number)
    assert left == {"local": birth + 110**2, "remote": birth + 120**2}
    # The other one waits until then, and leaves it as it is.
    with second.start() as rig:
        rig.until_log(b"status: ")
        rig.end()
        assert rig.is_quiet()
    assert times(first, number) == left
    # When its time has come, it tries again.
    local = first.home / f"queue/local/{number % 23}/{number}"
    os.utime(local, (birth, birth))
    with second.start() as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.end()
        assert rig.is_quiet()
    assert times(first, number) == {"remote": left["remote"]}


def test_what_is_done_stays_done(pair: tuple[Side, Side]) -> None:
    """Killed while a delivery ran: only what was not marked is tried again."""
    first, second = pair
    first.queue(b"a@here.example", b"b@here.example", b"c@here.example", b"far@there.example")
    with first.start() as rig:
        one, two, _ = (rig.command(LOCAL) for _ in range(3))
        rig.command(REMOTE)
        rig.report(LOCAL, two, b"Dno\n")
        rig.report(LOCAL, one, b"Kok\n")
        rig.kill(signal.SIGKILL)
        rig.end(None)
    with second.start() as rig:
        local, remote = rig.command(LOCAL), rig.command(REMOTE)
        assert (local.recipient, remote.recipient) == (b"c@here.example", b"far@there.example")
        rig.report(LOCAL, local, b"Kok\n")
        rig.report(REMOTE, remote, b"Dno\n")
        rig.until_log(b"end msg")
        rig.end()
    [(message, envelope)] = second.queue_program.kept()
    assert b"\n<b@here.example>:\nno\n\n<far@there.example>:\nno\n\n" in message
    assert envelope == b"F\0Tme@sender.example\0\0"


def test_a_bounce_that_was_not_injected(pair: tuple[Side, Side]) -> None:
    first, second = pair
    first.queue(b"a@here.example")
    program = first.queue_program
    os.rename(program.path, program.path + ".away")
    with first.start() as rig:
        rig.deliver(LOCAL, b"Dno\n")
        rig.until_log(b"trouble injecting")
        rig.end()
    os.rename(program.path + ".away", program.path)
    with second.start() as rig:
        rig.until_log(b"end msg")
        rig.end()
    assert len(program.kept()) == 1


def test_preprocessing_that_did_not_end(pair: tuple[Side, Side]) -> None:
    """qmail-clean was not asked, or did not do it."""
    first, second = pair
    first.queue(b"a@here.example")
    with first.start(clean=lambda _: b"!") as rig:
        rig.until_log(b"unable to clean up")
        rig.end()
    with second.start() as rig:
        rig.deliver(LOCAL, b"Kok\n")
        rig.until_log(b"end msg")
        rig.end()


def test_an_end_that_did_not_end(pair: tuple[Side, Side]) -> None:
    """info is gone and mess is not: nobody's message any more, until the sweep."""
    first, second = pair
    number = first.queue()
    with first.start(clean=lambda command: b"!" if command.startswith(b"foop") else None) as rig:
        rig.until_log(b"unable to clean up")
        rig.end()
    mess = first.home / f"queue/mess/{number % 23}/{number}"
    assert mess.exists()
    os.utime(mess, (1, 1))
    with second.start() as rig:
        rig.until(lambda: not mess.exists(), "the sweep")
        rig.end()


def no_home(side: Side) -> None:
    (side.home / "queue").rename(side.home / "queue.away")


def no_controls(side: Side) -> None:
    for name in ("me", "locals"):
        (side.home / "control" / name).unlink()


def unreadable_controls(side: Side) -> None:
    (side.home / "control/bouncehost").mkdir()


def no_mutex(side: Side) -> None:
    (side.home / "queue/lock/sendmutex").unlink()


@pytest.mark.parametrize("spoil", [no_home, no_controls, unreadable_controls, no_mutex])
def test_it_cannot_start(tmp_path: Path, spoil: Callable[[Side], None]) -> None:
    said = []
    for peer in (False, True):
        side = make_side(tmp_path / str(peer), peer=peer)
        spoil(side)
        with side.start() as rig:
            said.append((rig.end(None), rig.log))
    assert said[0] == said[1]
    assert said[0][0] == 111
    assert re.fullmatch(rb"alert: cannot start: [a-z ]+\n", said[0][1])


def test_one_at_a_time(pair: tuple[Side, Side]) -> None:
    first, second = pair
    with first.start() as rig:
        rig.until_log(b"status: ")
        with second.start() as other:
            assert other.end(None) == 111
            assert other.log == b"alert: cannot start: qmail-send is already running\n"
        rig.end()


def test_the_spawners_have_no_fire(pair: tuple[Side, Side]) -> None:
    for side in pair:
        with side.start(limits=(b"", b"\x01")) as rig:
            rig.hang_up(LOCAL)
            assert rig.end(None) == 111
            assert rig.log == b"alert: cannot start: hath the daemon spawn no fire?\n"


def test_a_spawner_may_allow_none(pair: tuple[Side, Side]) -> None:
    for side in pair:
        with side.start(limits=(b"\0", b"\x03")) as rig:
            rig.until_log(b"status: local 0/0 remote 0/3\n")
            assert rig.end() == 0


def test_a_terminal_that_hangs_up_its_log(pair: tuple[Side, Side]) -> None:
    """Nobody reads the log: deliveries go on."""
    for side in pair:
        number = side.queue(b"a@here.example")
        with side.start() as rig:
            rig.until_log(b"status: ")
            rig._open.discard(rig._log)
            os.close(rig._log)
            rig._log = -1
            command = rig.command(LOCAL)
            os.write(rig.says[LOCAL], b"%cKok\n\0" % command.slot)
            mess = side.home / f"queue/mess/{number % 23}/{number}"
            rig.until(lambda: not mess.exists(), "its removal")  # noqa: B023
            assert _ended(rig) == 0


def _ended(rig: Rig) -> int:
    rig.kill(signal.SIGTERM)
    rig.until(rig.is_gone, "its end")
    assert rig.status is not None
    return rig.status


def test_messages_of_the_same_second_come_in_the_same_order(tmp_path: Path) -> None:
    """The heap is the original's, and so is the way through the directories."""
    sides = [make_side(tmp_path, peer=peer) for peer in (True, False)]
    (sides[0].home / "control/concurrencylocal").write_text("1\n")
    numbers = [sides[0].queue(b"%d@here.example" % number) for number in range(15)]
    with sides[0].start() as rig:
        for _ in numbers:
            rig.deliver(LOCAL, b"Zlater\n")
        rig.end()
    orders = []
    for side in sides:
        for place, number in enumerate(numbers):
            due = 1_000_000_000 + place % 3
            os.utime(side.home / f"queue/local/{number % 23}/{number}", (due, due))
        with side.start() as rig:
            orders.append([rig.deliver(LOCAL, b"Zlater\n").recipient for _ in numbers])
            rig.end()
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == len(numbers)
