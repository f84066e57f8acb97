"""elq: move new mail from the maildir to the mbox, then read it with elm.

    elq [ argument ... ]

Reads   what maildir2mbox reads: MAILDIR, MAIL and MAILTMP say where the mail is
Writes  what maildir2mbox writes; every argument goes to elm
Exits   as maildir2mbox if that fails, else as elm; 111 when one of them cannot be started
Differs 111 and a line where the original's shell says 126 or 127
"""

from __future__ import annotations

from smarthost import ending, launch
from smarthost.store.home import program, qmail_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "elq"
READERS = (b"elm",)


def body(arguments: list[bytes]) -> int:
    status = launch.call([program(b"maildir2mbox", qmail_home())])
    if status != 0:
        return status
    launch.become([launch.first_found(READERS), *arguments])
    return None


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
