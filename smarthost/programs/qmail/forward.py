"""forward: send a message on to other addresses, from a .qmail file.

    |forward address ...

Reads   the message on descriptor 0; NEWSENDER, the envelope sender, and DTLINE, the Delivered-To
        line that goes above the message: qmail-local sets both
Writes  the message to the queue program ($QMAILQUEUE, else bin/qmail-queue of the home), and one
        line with its pid on descriptor 2
Exits   0 queued; 100 a variable is not set, or the message was rejected; 111 try again later
Differs the home is not compiled in: QMAILHOME, else where this program lies, else /var/qmail
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Permanent, Temporary
from smarthost.store.home import qmail_home
from smarthost.store.submission import Unreadable, pass_on
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "forward"

MESSAGE = 0


def _set_by_qmail_local(variable: bytes) -> bytes:
    value = os.environb.get(variable)
    if value is None:
        raise Permanent(f"{variable.decode()} not set")
    return value


def body(arguments: list[bytes]) -> int:
    sender = _set_by_qmail_local(b"NEWSENDER")
    delivered_to = _set_by_qmail_local(b"DTLINE")
    try:
        pid, reply = pass_on(qmail_home(), delivered_to, MESSAGE, sender, arguments)
    except OSError as error:
        raise Temporary(f"unable to fork: {errtext.reason(error)}") from error
    except Unreadable as error:
        raise Temporary(f"unable to read message: {error.reason}") from error
    if reply is not None:
        kind = Permanent if reply[:1] == b"D" else Temporary
        raise kind(os.fsdecode(reply[1:]))
    ending.say(f"{NAME}: qp {pid}\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
