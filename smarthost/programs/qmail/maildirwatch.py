"""maildirwatch: show what new mail waits in a maildir, on a terminal, twice a minute.

Reads   the messages in new/ of the maildir $MAILDIR
Writes  on descriptor 1: clears the screen (VT100), then a summary of each message, oldest first:
        envelope sender and recipient, the From line, the beginning of subject and text
Exits   111 when the maildir or a message in it cannot be read; else it goes on until it is ended
Differs no more of a message is read than is shown; each screen goes out in one write
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.formats import mailsummary
from smarthost.store import maildir
from smarthost.unix import files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "maildirwatch"

SECONDS: Final = 30
CLEAR: Final = b"\033[;H\033[;J"


def _screen(now: float) -> bytes:
    maildir.sweep(now)
    said = [CLEAR]
    for _, name in maildir.waiting((b"new",), now):
        try:
            with files.stream(name) as message:
                said.append(mailsummary.summary(message))
        except (FileNotFoundError, PermissionError):  # gone, or not ours to read
            continue
        except OSError as error:
            raise Temporary("trouble reading new message") from error
    return b"".join(said)


def body(_arguments: list[bytes]) -> int:
    signals.uncatch(signals.SIGPIPE)  # a window that is closed ends it, as it ends a C program
    maildir.enter(os.environb)
    while True:
        files.write_all(ending.STDOUT, _screen(time.time()))
        time.sleep(SECONDS)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
