"""Somebody who holds lock/sendmutex as qmail-send does: one that carries out orders, and one that knows none."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smarthost.store.queueorders import Orders
from smarthost.unix import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Sender:
    """What it did: `carried_out` as `NUMBER VERB` and `SIGALRM`, in order."""

    def __init__(self, queue: Path, pid: int) -> None:
        self.pid = pid
        self._log = queue.parent / "carried out"

    def carried_out(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@contextmanager
def sender(queue: Path, *, takes_orders: bool = True, is_busy: bool = False) -> Iterator[Sender]:
    """A process that does. is_busy: it takes note of orders, and does not carry them out."""
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _send(queue, told, takes_orders=takes_orders, is_busy=is_busy)
        except BaseException as error:  # noqa: BLE001  a child must not go on as if it were the test
            print(error, file=sys.stderr)
        finally:
            os._exit(1)
    os.close(told)
    try:
        assert os.read(ready, 1) == b"."
        yield Sender(queue, pid)
    finally:
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _send(queue: Path, told: int, *, takes_orders: bool, is_busy: bool) -> None:
    log = os.open(queue.parent / "carried out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    mutex = os.open(queue / "lock/sendmutex", os.O_WRONLY)
    files.lock_at_once(mutex)
    signal.signal(signal.SIGALRM, lambda *_: os.write(log, b"SIGALRM\n") and None)
    trigger = os.open(queue / "lock/trigger", os.O_RDWR)
    orders = Orders(os.fsencode(queue))
    os.write(told, b".")
    while True:
        os.read(trigger, 100)
        for order in orders.pending() if takes_orders else []:
            if not is_busy:
                os.write(log, b"%d %s\n" % (order.number, order.verb))
                orders.done(order)
