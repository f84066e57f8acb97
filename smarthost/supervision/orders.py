"""What the letters mean that svc writes into supervise/control. As supervise takes them.

None is read in the first second of a process, and after one that starts it none for a second.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from smarthost.formats import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from smarthost.supervision.process import ServiceProcess


def _down(process: ServiceProcess) -> None:
    process.down()


def _up(process: ServiceProcess) -> None:
    process.want = status.WANT_UP
    process.tell()
    process.start_anew()


def _once(process: ServiceProcess) -> None:
    process.want = status.WANT_NOTHING
    process.tell()
    process.start_anew(waiting=False)


def _exit(process: ServiceProcess) -> None:
    process.leaving = True
    process.tell()
    process.leave_if_down()


def _pause(process: ServiceProcess) -> None:
    process.paused = True
    process.tell()
    process.signal(signal.SIGSTOP)


def _continue(process: ServiceProcess) -> None:
    process.go_on()


def _send(number: int) -> Callable[[ServiceProcess], None]:
    def send(process: ServiceProcess) -> None:
        process.signal(number)

    return send


_ORDERS: Final = {
    b"d": _down,
    b"u": _up,
    b"o": _once,
    b"x": _exit,
    b"p": _pause,
    b"c": _continue,
    b"a": _send(signal.SIGALRM),
    b"h": _send(signal.SIGHUP),
    b"i": _send(signal.SIGINT),
    b"k": _send(signal.SIGKILL),
    b"t": _send(signal.SIGTERM),
}


def obey(process: ServiceProcess, letter: bytes) -> None:
    """Carry it out. Letters without a meaning have none here either."""
    order = _ORDERS.get(letter)
    if order is not None:
        order(process)
