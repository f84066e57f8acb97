"""mailq: show the messages that wait in the queue, and why they do.

Reads   the queue of the home: $QMAILHOME, else the one that the program lies in, else /var/qmail
Writes  on descriptor 1, for each message: its number, size, age and sender, with "new" if qmail-send has not looked
        at it, "held", "bouncing"; a line for each recipient that waits; below it the last delivery's error, if any.
        The last line counts
Exits   0, also when nothing waits or the home has no queue; 111 when the queue cannot be read
Differs there is no original: qmail has qmail-qread, whose listing is another, and nullmailer's mailq has neither
        age nor error. sendmail -bp shows the same. Arguments are ignored, as nullmailer's does, but for a lone
        --help or --version
"""

from __future__ import annotations

from time import time

from smarthost import ending
from smarthost.store import queueview
from smarthost.store.home import qmail_home
from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "mailq"


def body(_arguments: list[bytes]) -> int:
    signals.uncatch(signals.SIGPIPE)  # whoever reads a long listing may have seen enough
    queueview.show(qmail_home() + b"/queue", int(time()), ending.STDOUT)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
