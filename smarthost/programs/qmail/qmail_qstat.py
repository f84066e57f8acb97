"""qmail-qstat: say how many messages are in the queue.

Reads   the names in queue/mess and queue/todo of the home
Writes  on descriptor 1: how many messages there are, and how many of them qmail-send has not looked at yet
Exits   0; 111 when the queue cannot be read
Differs what cannot be read is an error: the original, a script around find and wc, says so too, but counts
        nothing there and exits 0; the home is $QMAILHOME, else the one that the program lies in; a file whose
        name has a newline counts once; a lone --help or --version is answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.store.home import qmail_home
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "qmail-qstat"


def body(_arguments: list[bytes]) -> int:
    queue = qmail_home() + b"/queue"
    try:
        waiting = count(queue + b"/mess", hidden=False)
        new = count(queue + b"/todo")
    except OSError as error:
        where = os.fsdecode(error.filename or queue)
        raise Temporary(f"unable to read {where}: {errtext.reason(error)}") from error
    ending.say(f"messages in queue: {waiting}\n", ending.STDOUT)
    ending.say(f"messages in queue but not yet preprocessed: {new}\n", ending.STDOUT)
    return 0


def count(directory: bytes, *, hidden: bool = True) -> int:
    """The files in the directory and below. A directory that is gone by now has none. Raises OSError."""
    found = 0
    below = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                found += hidden or not entry.name.startswith(b".")
    for path in below:
        if hidden or not os.path.basename(path).startswith(b"."):
            try:
                found += count(path)
            except FileNotFoundError:
                pass
    return found


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
