"""A message's failures become a message to its sender, by the queue program like any other (qmail-send.c).

The queue program's success is the commit point: the bounce is then as safe as any message. Until bounce/N
is removed after that, the sender may be told twice.
"""

from __future__ import annotations

import os

from smarthost.formats import bounce
from smarthost.store.queuesteps import BLOCK
from smarthost.store.submission import Submission
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from smarthost.formats.queuefiles import Places
    from smarthost.store.submission import Start


class Words:
    """control/bouncefrom and bouncehost; and to whom double bounces go."""

    __slots__ = ("box", "double_to", "host")

    def __init__(self, box: bytes, host: bytes, double_to: bytes) -> None:
        self.box = box
        self.host = host
        self.double_to = double_to


def inject(
    places: Places,
    number: int,
    words: Words,
    *,
    blamed: bytes,
    envelope: tuple[bytes, bytes],
    seconds: int,
    start: Start,
) -> int | None:
    """Queue the bounce: the pid of the queue program; None if it did not take it.

    Raises OSError if there is no process or descriptor to be had.
    """
    sender, recipient = envelope
    submission = Submission(start)
    submission.write(bounce.opening(seconds, words.box, words.host, recipient, blamed))
    _copy(places.bounce(number), submission)
    submission.write(bounce.heading(blamed))
    _copy(places.mess(number), submission)
    submission.sender(sender)
    submission.recipient(recipient)
    return submission.pid if submission.finish() is None else None


def _copy(path: bytes, submission: Submission) -> None:
    """Without all of it there is no bounce."""
    try:
        descriptor = files.open_read(path)
    except OSError:
        submission.refuse()
        return
    try:
        for block in files.blocks(descriptor, BLOCK):
            submission.write(block)
    except OSError:
        submission.refuse()
    finally:
        os.close(descriptor)
