"""qmail-clean: remove files from the queue for qmail-send.

Reads   commands on descriptor 0, each ended by a zero byte: `foop/N` remove intd/N and mess/N, `todo/N` remove
        intd/N and todo/N. QMAILHOME names the home whose queue/ it is
Writes  for each a byte on descriptor 1: `+` they are gone, `!` one of them cannot be removed, `x` no such command
Exits   0 at the end of its input, 100 nobody reads its answers, 111 no home or queue
Differs The home is not compiled in, and the number of directories in mess is counted. Bytes without the zero byte
        that ends a command are kept up to a bound, where the original takes any number. A command whose number is
        none has one answer and removes nothing; the original has one for each wrong byte, and goes on.

At its start, and at every thirty-first command, it removes files from pid/ that are 36 hours old: a qmail-queue that
made them must be dead. Removing a todo file is the commit point of its message's preprocessing (store/preprocess.py).
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.formats import queuefiles
from smarthost.store import queuesteps, spool
from smarthost.store.home import qmail_home
from smarthost.unix import files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "qmail-clean"

# See qmail-send: qmail-queue gives up after 24 hours.
OSSIFIED: Final = 129600
SWEEP_EVERY: Final = 31

# With the zero byte. Numbers have fewer digits.
SHORTEST: Final = 7
LONGEST: Final = 100
_READ: Final = 128

DONE: Final = b"+"
FAILED: Final = b"!"
UNKNOWN: Final = b"x"


class Deaf(Exception):
    """Nobody reads the answers."""


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    del arguments  # the original looks at none
    try:
        os.chdir(qmail_home())
        os.chdir(b"queue")
        places = queuefiles.Places(spool.split_of(b".") or spool.SPLIT)
    except OSError:
        return 111
    signals.ignore(signals.SIGPIPE)
    try:
        _serve(places)
    except Deaf:
        return 100
    return 0


def _serve(places: queuefiles.Places) -> None:
    waiting = b""
    served = 0
    sweep_pid()
    while True:
        try:
            data = os.read(0, _READ)
        except OSError:
            return
        if not data:
            return
        *commands, waiting = (waiting + data).split(b"\0")
        waiting = waiting[: LONGEST + 1]  # it is too long already, and may only become longer
        for command in commands:
            _answer(carry_out(places, command))
            served += 1
            if served % SWEEP_EVERY == 0:
                sweep_pid()


def _answer(answer: bytes) -> None:
    try:
        files.write_all(1, answer)
    except OSError:
        raise Deaf from None


def carry_out(places: queuefiles.Places, command: bytes) -> bytes:
    """Do it. What to answer."""
    what, digits = command[:5], command[5:]
    if not SHORTEST <= len(command) + 1 <= LONGEST or not digits.isdigit():
        return UNKNOWN
    number = int(digits)
    if what == b"foop/":
        paths = (places.intd(number), places.mess(number))
    elif what == b"todo/":
        paths = (places.intd(number), places.todo(number))
    else:
        return UNKNOWN
    for path in paths:
        try:
            queuesteps.remove(path)
        except OSError:
            return FAILED
    return DONE


def sweep_pid() -> None:
    """Remove what qmail-queues left in pid/ that were killed."""
    now = int(time.time())
    try:
        names = files.names(b"pid")
    except OSError:
        return
    for name in names:
        path = b"pid/" + name
        try:
            status = files.look(path)
        except OSError:
            continue
        if now >= int(status.st_atime) + OSSIFIED:
            files.unlink_if_possible(path)
