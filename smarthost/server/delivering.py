"""A delivery of a spawner: how its process is started, and what becomes of its output.

A delivery may begin with a question, put to a process of its own (qmail-lspawn asks qmail-getpw): with the
answer the delivery proper is begun.
"""

from __future__ import annotations

import os

from smarthost.unix import fds, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from smarthost.server.workers import Worker

    # Starts a delivery: the descriptors that are to be its 0, and its 1 and 2; sender and recipient.
    # Its pid, or the worker that has it. Raises OSError if there can be no process. See `fork`.
    Start = Callable[[int, int, bytes, bytes], "int | Worker | Asking"]
    # The same for a delivery that began with a question: how the process that was asked ended, its answer, and
    # the two descriptors.
    Then = Callable[[int, bytes, int, int], int | Worker]
# What is kept of an output that is not to be cut: what comes after it is read, and forgotten.
OUTPUT_LIMIT: Final = 1024 * 1024
# More than an answer to a question ever is.
ANSWER_LIMIT: Final = 65536
# What stands at the end of one that was cut. So many bytes of it are kept that both fit, and three more.
CUT: Final = b"\nError report too long, sorry.\n"
SPARE: Final = 3

_OTHERS: Final = fds.Others({0, 1, 2})


def fork(message: int, output: int, body: Callable[[], int]) -> int:
    """A delivery that `body` makes, in a child that has all that is loaded here, with nothing open but its
    0, 1 and 2, and with signals as Python finds them. What it answers is the exit status; it may also exec.
    The child's pid.
    """

    def child() -> int:
        os.dup2(message, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _OTHERS.close()
        signals.as_after_start()
        return body()

    return process.fork_child(child)


def fork_asked(output: int, body: Callable[[], int]) -> int:
    """A process that answers a question of `Asking`, with nothing to read and our 2. The pid."""

    def child() -> int:
        fds.null(0)
        os.dup2(output, 1)
        _OTHERS.close()
        signals.as_after_start()
        return body()

    return process.fork_child(child)


class Asking:
    """What `start` answers for a delivery that needs an answer first: who was asked, and what is begun then."""

    __slots__ = ("asked", "then")

    def __init__(self, asked: int | Worker, then: Then) -> None:
        self.asked: Final = asked
        self.then: Final = then


class Delivery:
    """`then` and `message` are there while it waits for an answer."""

    __slots__ = ("closed", "message", "number", "output", "then", "wait_status")

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.message = -1
        self.then: Then | None = None
        self.begin_again()

    def begin_again(self) -> None:
        self.output = b""
        self.closed = False
        self.wait_status: int | None = None

    def take_message(self) -> int:
        message, self.message = self.message, -1
        return message


def cut(output: bytes, longest: int) -> bytes:
    """What is kept of an output. The same bytes whatever pieces it came in, which the original's depend on."""
    if not longest or len(output) <= longest:
        return output
    return output[: longest - len(CUT) - SPARE] + CUT
