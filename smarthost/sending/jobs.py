"""A job is a message that is being delivered on a channel, for as long as its recipients are read or a delivery runs."""

from __future__ import annotations

from smarthost.sending.desk import FAILURE_PAUSE, clock
from smarthost.store import queuesteps
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.sending.desk import Desk


class Job:
    """left  recipients that are not done; whole  every recipient has been read
    users  the reading, and each delivery: with the last of them the job ends
    """

    __slots__ = ("dying", "left", "number", "retry", "sender", "users", "whole")

    def __init__(self, number: int, sender: bytes, retry: int, *, dying: bool) -> None:
        self.number: Final = number
        self.sender: Final = sender
        self.retry: Final = retry
        self.dying: Final = dying
        self.left = 0
        self.users = 1
        self.whole = False


class Delivery:
    __slots__ = ("job", "number", "position", "recipient")

    def __init__(self, number: int, job: Job, position: int, recipient: bytes) -> None:
        self.number: Final = number
        self.job: Final = job
        self.position: Final = position
        self.recipient: Final = recipient


def end(desk: Desk, channel: int, job: Job) -> None:
    """The message waits for its next try, or has nobody left on this channel."""
    number, when = job.number, job.retry
    if job.whole and not job.left:
        path = desk.places.recipients(channel, number)
        try:
            files.unlink(path)
        except OSError:
            desk.warn(b"unable to unlink %s; will try again later" % path)
            when = clock() + FAILURE_PAUSE
        else:
            _end_channel(desk, 1 - channel, number)
            return
    desk.waiting[channel].add(number, when)


def _end_channel(desk: Desk, other: int, number: int) -> None:
    """Unless the other channel has recipients, the message is done."""
    path = desk.places.recipients(other, number)
    try:
        if queuesteps.exists(path):
            return
    except OSError:
        desk.warn(b"unable to stat %s" % path)
    desk.done.add(number, clock())
