"""An order is given whole or not at all, wherever its giving ends; and what is told to be given is on the disk.

Not tested: what a disk does that reports a sync as done and has not done it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store import queueorders
from smarthost.store.queueorders import Order, Orders
from smarthost.unix import files
from tests.support.homes import make_home
from tests.support.queues import add_message
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIVEN = ["unlink", "create_exclusive", "change_mode", "write", "sync", "rename", "sync"]
COMMIT = 5


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return make_home(tmp_path) / "queue"


@pytest.fixture
def number(queue: Path) -> int:
    return add_message(queue)


@pytest.fixture
def orders(queue: Path) -> Orders:
    return Orders(os.fsencode(queue))


def place(orders: Orders, number: int) -> None:
    orders.place(number, queueorders.DELETE)


def hold(orders: Orders, number: int) -> None:
    orders.hold(number)


GIVE = pytest.mark.parametrize("give", [place, hold])


def is_given(orders: Orders, number: int) -> bool:
    return orders.is_held(number) or orders.pending() == [Order(number, b"delete")]


@GIVE
def test_the_order(orders: Orders, number: int, give: Callable[[Orders, int], None]) -> None:
    with stop_at(None) as steps:
        give(orders, number)
    assert steps == GIVEN
    assert is_given(orders, number)


@GIVE
@pytest.mark.parametrize("step", range(len(GIVEN)))
def test_stopped_anywhere(
    orders: Orders, number: int, give: Callable[[Orders, int], None], step: int
) -> None:
    with pytest.raises(Stopped), stop_at(step):
        give(orders, number)
    assert is_given(orders, number) is (step > COMMIT)
    # What was left is in nobody's way.
    give(orders, number)
    assert is_given(orders, number)


@GIVE
@pytest.mark.parametrize("step", range(1, len(GIVEN)))
def test_refused_anywhere(
    queue: Path, orders: Orders, number: int, give: Callable[[Orders, int], None], step: int
) -> None:
    for error in (errno.ENOSPC, errno.EIO, errno.EMFILE):
        with pytest.raises(OSError), stop_at(step, error):
            give(orders, number)
        assert not is_given(orders, number)
        assert os.listdir(queue / "orders") + os.listdir(queue / "hold") == []


@GIVE
def test_what_is_given_was_synced(
    queue: Path,
    orders: Orders,
    number: int,
    give: Callable[[Orders, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    synced: set[int] = set()
    sync, rename = files.sync, files.rename

    def seen_sync(descriptor: int) -> None:
        sync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def seen_rename(old: bytes, new: bytes) -> None:
        assert os.stat(old).st_ino in synced
        rename(old, new)

    monkeypatch.setattr(files, "sync", seen_sync)
    monkeypatch.setattr(files, "rename", seen_rename)
    give(orders, number)
    assert synced & {(queue / name).stat().st_ino for name in ("orders", "hold")}


def test_taking_it_back_is_durable_too(orders: Orders, number: int) -> None:
    order = orders.place(number, queueorders.DELETE)
    orders.hold(number)
    with stop_at(None) as steps:
        assert orders.withdraw(order)
        assert orders.release(number)
    assert steps == ["unlink", "sync"] * 2


def test_the_first_order_makes_its_directory_durable(
    queue: Path, orders: Orders, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (queue / "orders").rmdir()
    synced: list[bytes] = []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    place(orders, number)
    assert synced == [os.fsencode(queue), os.fsencode(queue / "orders")]
