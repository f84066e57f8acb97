"""The table of hosts that did not answer: our programs and the originals on the same bytes."""

from __future__ import annotations

import re
import socket
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import remote as support
from tests.support.homes import make_home
from tests.support.peerhome import peer_in_home
from tests.support.remote import home_of
from tests.support.run import Outcome, ours, run
from tests.support.smtpserver import Server
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = "queue/lock/tcpto"


def record(address: str, count: int, when: int) -> bytes:
    return socket.inet_aton(address) + bytes((count, 1, 2, 3)) + when.to_bytes(4, "little") + b"rest"


def table_of(*records: bytes) -> bytes:
    return b"".join(records).ljust(1024, b"\0")


def shown(home: Path) -> tuple[Outcome, Outcome]:
    """What ours says and what the original says, but for the seconds: ours lie between two of the original's."""
    before = run(peer_in_home("qmail-tcpto", home))
    mine = run([ours("qmail-tcpto")], env={"QMAILHOME": str(home)})
    after = run(peer_in_home("qmail-tcpto", home))
    for lowest, age, highest in zip(*map(ages, (before, mine, after)), strict=True):
        assert lowest <= age <= highest
    return unaged(mine), unaged(before)


AGE = re.compile(rb" timed out (\d+) seconds ago;")


def ages(outcome: Outcome) -> list[int]:
    return [int(age) for age in AGE.findall(outcome.stdout)]


def unaged(outcome: Outcome) -> Outcome:
    return Outcome(outcome.status, AGE.sub(b" timed out N seconds ago;", outcome.stdout), outcome.stderr)


def test_what_is_shown(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    now = int(time.time())
    ages = enumerate((10, 100, 1000, 0, 1_000_000_000))
    many = [record(f"10.0.0.{at}", at, now - age) for at, age in ages]
    full = table_of(*[record(f"192.168.255.{at}", at % 11, now - 5 * at - 3) for at in range(64)])
    for table in (table_of(), table_of(*many), full, b"", full[:100], full + full):
        (home / TABLE).write_bytes(table)
        mine, other = shown(home)
        assert mine == other
    assert mine.stdout.startswith(b"192.168.255.1 timed out N seconds ago;")


def test_no_table_and_no_queue(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / TABLE).unlink()
    mine, other = shown(home)
    assert mine == other == Outcome(111, b"fatal: unable to open tcpto: file does not exist\n", b"")
    mine = run([ours("qmail-tcpok")], env={"QMAILHOME": str(home)})
    other = run(peer_in_home("qmail-tcpok", home))
    peer = other.stderr.partition(b"unable to write ")[2].partition(b"/queue")[0]
    assert mine == Outcome(111, b"", other.stderr.replace(peer, bytes(home)))


def test_forgetting(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    for content in (b"x" * 1024, b"x" * 10, b"x" * 2000):
        left = []
        for argv, env in (
            ([ours("qmail-tcpok")], {"QMAILHOME": str(home)}),
            (peer_in_home("qmail-tcpok", home), {}),
        ):
            (home / TABLE).write_bytes(content)
            assert run(argv, env=env) == Outcome(0, b"", b"")
            left.append((home / TABLE).read_bytes())
        assert left[0] == left[1]


@pytest.mark.parametrize(
    ("count", "age", "tried"), [(0, 0, True), (1, 0, True), (2, 0, False), (2, 6000, True), (10, 3000, False)]
)
def test_who_is_passed_over(tmp_path: Path, count: int, age: int, tried: bool) -> None:
    """For an hour at least and an hour and a half at most; one that answers is forgotten."""
    left = []
    for which in (support.remote, support.original):
        with Server(host="127.0.0.2") as server:
            home = home_of(tmp_path, smtproutes=f":127.0.0.2:{server.port}")
            before = record("127.0.0.2", count, int(time.time()) - age)
            (home / TABLE).write_bytes(table_of(record("127.0.0.3", 5, 1), before))
            reports = which(home)
        assert support.summary(reports) == (b"rK" if tried else b"Z")
        assert server.connections == tried
        after = (home / TABLE).read_bytes()[16:32]
        assert after == (before[:4] + b"\0" + before[5:] if tried else before)
        left.append(reports)
    assert left[0] == left[1]


def is_full(listening: socket.socket) -> bool:
    """Of a listening socket tcpi_unacked and tcpi_sacked say how many wait, and how many may."""
    waiting, limit = struct.unpack_from(
        "24x2I", listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    )
    return bool(waiting > limit)


@contextmanager
def silence() -> Iterator[int]:
    """A port at which nothing is answered any more: the backlog is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = []
        try:
            for _ in range(8):
                client = socket.socket()
                waiting.append(client)
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            eventually(lambda: is_full(listening), "the backlog to be full")
            yield port
        finally:
            for client in waiting:
                client.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "before",
    [
        [],
        [("127.0.0.1", 1, -1000)],
        [("127.0.0.1", 1, -10)],
        [("127.0.0.9", 0, -10), ("127.0.0.1", 0, -10)],
        [("127.0.0.1", 10, -100_000)],
        [(f"10.0.0.{at}", 1 + at % 3, -(at * 37 % 64) * 500) for at in range(64)],
    ],
    ids=["empty", "again", "too soon", "once more", "the most", "full"],
)
def test_who_does_not_answer(tmp_path: Path, before: list[tuple[str, int, int]]) -> None:
    with silence() as port:
        left = []
        now = int(time.time())
        table = table_of(*[record(address, count, now + age) for address, count, age in before])
        for which in (support.remote, support.original):
            home = home_of(tmp_path, smtproutes=f":127.0.0.1:{port}", timeoutconnect="1")
            (home / TABLE).write_bytes(table)
            assert which(home) == [b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]
            after = bytearray((home / TABLE).read_bytes())
            for at in range(0, 1024, 16):
                if 0 <= int.from_bytes(after[at + 8 : at + 12], "little") - now < 60:
                    after[at + 8 : at + 12] = b"now."
            left.append(bytes(after))
        assert left[0] == left[1]


def test_a_table_that_cannot_be_used_is_no_obstacle(tmp_path: Path) -> None:
    for which in (support.remote, support.original):
        with Server() as server:
            home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}")
            (home / TABLE).unlink(missing_ok=True)
            assert support.summary(which(home)) == b"rK"
