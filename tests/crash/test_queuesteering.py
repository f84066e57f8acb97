"""A message that is deleted without a qmail-send: whatever stops that, it is not delivered after all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.queueorders import DELETE, Order
from smarthost.store.queuesteering import DONE, Steering
from tests.support.homes import make_home, queued
from tests.support.queues import add_message, add_todo
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from pathlib import Path

# Giving the order, the lock, what the message has, and the order's removal.
STEPS = 18
COMMIT = 6


@pytest.fixture(params=["looked at", "new"])
def queue(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    queue = make_home(tmp_path) / "queue"
    if request.param == "new":
        add_todo(queue, b"u1\0p2\0Fjoe\0Tann\0")
    else:
        add_message(queue, local=[b"Tjoe"], remote=[b"Tann"], bounce=b"x")
    return queue


def steering(queue: Path) -> tuple[Steering, int]:
    return Steering(os.fsencode(queue)), next(int(path.name) for path in queue.glob("mess/*/*"))


def is_deliverable(queue: Path, number: int) -> bool:
    """Whether a qmail-send that starts would deliver it to anybody: qmail's own, if it finds no order."""
    part = number % 23
    if (queue / f"todo/{number}").exists():
        return True
    return (queue / f"info/{part}/{number}").exists() and any(
        (queue / f"{channel}/{part}/{number}").exists() for channel in ("local", "remote")
    )


def test_the_order(queue: Path) -> None:
    steer, number = steering(queue)
    with stop_at(None) as steps:
        assert steer.order(number, DELETE) == DONE
    assert len(steps) == STEPS
    assert queued(queue.parent) == {}


@pytest.mark.parametrize("step", range(STEPS))
def test_stopped_anywhere(queue: Path, step: int) -> None:
    steer, number = steering(queue)
    with pytest.raises(Stopped), stop_at(step):
        steer.order(number, DELETE)
    ordered = steer.orders.pending() == [Order(number, DELETE)]
    if step <= COMMIT:
        assert not ordered
        assert is_deliverable(queue, number)
    else:
        assert ordered or not is_deliverable(queue, number)
    # It can be asked for again, unless all of it is gone.
    if any(queue.glob("mess/*/*")):
        assert steer.order(number, DELETE) == DONE
    assert list(queue.glob("[milrbt]*/**/[0-9]*/[0-9]*")) == []


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS])
def test_refused_anywhere(queue: Path, error: int) -> None:
    steer, number = steering(queue)
    for step in range(2, STEPS):
        try:
            with stop_at(step, error):
                steer.order(number, DELETE)
        except FileNotFoundError:
            break  # it is gone
        except OSError:
            pass
    assert steer.orders.pending() == []
    assert queued(queue.parent) == {}
