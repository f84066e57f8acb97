"""Orders and holds as qmail-send finds them. Not tested: another account's orders directory, which takes root."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from smarthost.store import queueorders
from smarthost.store.queueorders import Order, Orders
from tests.support.homes import make_home
from tests.support.queues import add_message

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """As qmail makes it, which knows no orders."""
    queue = make_home(tmp_path) / "queue"
    for name in ("orders", "hold"):
        (queue / name).rmdir()
    return queue


@pytest.fixture
def orders(queue: Path) -> Orders:
    return Orders(os.fsencode(queue))


def test_an_order_is_a_file_until_it_is_done(queue: Path, orders: Orders) -> None:
    number = add_message(queue)
    order = orders.place(number, queueorders.RETRY)
    assert os.listdir(queue / "orders") == [f"{number}.retry"]
    assert orders.pending() == [order] == [Order(number, b"retry")]
    assert orders.is_pending(order)
    orders.done(order)
    assert orders.pending() == []
    assert not orders.is_pending(order)
    orders.done(order)


def test_who_makes_the_directory_makes_it_private(queue: Path, orders: Orders) -> None:
    before = os.umask(0)
    try:
        orders.hold(add_message(queue))
        orders.place(add_message(queue), queueorders.DELETE)
    finally:
        os.umask(before)
    for name in ("orders", "hold"):
        assert stat.S_IMODE((queue / name).stat().st_mode) == 0o700


def test_an_order_can_be_read_whatever_the_umask(queue: Path, orders: Orders) -> None:
    before = os.umask(0o077)
    try:
        orders.place(number := add_message(queue), queueorders.DELETE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((queue / f"orders/{number}.delete").stat().st_mode) == 0o644


def test_orders_come_by_number(queue: Path, orders: Orders) -> None:
    numbers = sorted(add_message(queue) for _ in range(3))
    for number in reversed(numbers):
        orders.place(number, queueorders.BOUNCE)
        orders.place(number, queueorders.RETRY)
    assert orders.pending() == [Order(n, verb) for n in numbers for verb in (b"retry", b"bounce")]


def test_no_directory_is_no_orders(orders: Orders) -> None:
    assert orders.pending() == []
    assert orders.held() == set()
    assert not orders.is_held(5)
    orders.forget_hold(5)


def test_a_message_that_is_not_there_takes_no_orders(orders: Orders) -> None:
    with pytest.raises(FileNotFoundError):
        orders.place(5, queueorders.RETRY)
    with pytest.raises(FileNotFoundError):
        orders.hold(5)


def test_what_is_no_order_is_left_alone(queue: Path, orders: Orders) -> None:
    number = add_message(queue)
    (queue / "orders").mkdir()
    names = ["5", "5.", ".5.retry.77", f"0{number}.retry", f"{number}.burn", "x.retry", f"{number}.retry.old"]
    for name in names:
        (queue / "orders" / name).touch()
    assert orders.pending() == []
    assert sorted(os.listdir(queue / "orders")) == sorted(names)


def test_a_sign_is_taken_by_who_reads_orders(queue: Path, orders: Orders) -> None:
    sign = orders.place(add_message(queue), queueorders.LOOK)
    assert orders.is_pending(sign)
    assert orders.pending() == []
    assert not orders.is_pending(sign)


def test_an_order_for_a_message_that_is_gone_is_removed(queue: Path, orders: Orders) -> None:
    (queue / "orders").mkdir()
    (queue / "orders/99.retry").touch()
    assert orders.pending() == []
    assert os.listdir(queue / "orders") == []


def test_the_next_message_of_that_number_is_not_meant(queue: Path, orders: Orders) -> None:
    """Numbers are inodes, which are used again at once."""
    number = add_message(queue)
    orders.place(number, queueorders.DELETE)
    orders.hold(number)
    [mess] = (queue / "mess").glob(f"*/{number}")
    os.utime(mess, ns=(0, mess.stat().st_mtime_ns + 1))
    assert not orders.is_held(number)
    assert orders.held() == set()
    assert orders.pending() == []
    assert os.listdir(queue / "orders") == []


def test_an_empty_file_means_whichever_message_has_the_number(queue: Path, orders: Orders) -> None:
    number = add_message(queue)
    for name in ("orders", "hold"):
        (queue / name).mkdir()
    (queue / f"orders/{number}.retry").touch()
    (queue / f"hold/{number}").touch()
    assert orders.pending() == [Order(number, b"retry")]
    assert orders.is_held(number)


def test_withdrawn_or_too_late(queue: Path, orders: Orders) -> None:
    order = orders.place(add_message(queue), queueorders.RETRY)
    assert orders.withdraw(order)
    assert orders.pending() == []
    assert not orders.withdraw(order)


def test_hold_and_release(queue: Path, orders: Orders) -> None:
    number, other = add_message(queue), add_message(queue)
    orders.hold(number)
    orders.hold(number)
    assert orders.is_held(number)
    assert not orders.is_held(other)
    assert orders.held() == {number}
    assert orders.release(number)
    assert not orders.release(number)
    assert not orders.is_held(number)


def test_a_hold_goes_before_its_message(queue: Path, orders: Orders) -> None:
    orders.hold(number := add_message(queue))
    orders.forget_hold(number)
    assert os.listdir(queue / "hold") == []


def test_a_link_in_the_place_of_the_directory_is_not_followed(
    queue: Path, orders: Orders, tmp_path: Path
) -> None:
    (queue / "orders").symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        orders.place(add_message(queue), queueorders.RETRY)


def test_a_queue_of_another_split(queue: Path, orders: Orders) -> None:
    for part in range(7, 23):
        (queue / f"mess/{part}").rmdir()
    number = add_message(queue)
    assert (queue / f"mess/{number % 7}/{number}").exists()
    orders.place(number, queueorders.RETRY)
    assert len(orders.pending()) == 1
