"""condredirect: send a message on to another address, if a program says so; from a .qmail file.

    |condredirect newaddress program [ arg ... ]

Reads   the message on descriptor 0, which is a file: the program has it first; SENDER, the envelope sender,
        and DTLINE, the Delivered-To line that goes above the message: qmail-local sets both
Writes  the message to the queue program ($QMAILQUEUE, else bin/qmail-queue of the home), and one line
        with its pid on descriptor 2
Exits   99, which ends the .qmail file, when the program exits 0 and the message is queued; 0 when the program
        exits anything else, also where there is none; 111 when it exits 111, or crashes, and for what may
        be tried again; 100 the message was rejected, or a variable is not set
Differs the home is not compiled in: QMAILHOME, else where this program lies, else /var/qmail
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Permanent, Temporary, UsageError
from smarthost.store.home import qmail_home
from smarthost.store.submission import Unreadable, pass_on
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "condredirect"
USAGE: Final = "condredirect newaddress program [ arg ... ]"

MESSAGE: Final = 0
# No more instructions of the .qmail file are to be followed.
LAST: Final = 99


def _set_by_qmail_local(variable: bytes) -> bytes:
    value = os.environb.get(variable)
    if value is None:
        raise Permanent(f"{variable.decode()} not set")
    return value


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise UsageError(USAGE)
    address, *program = arguments
    ended = launch.outcome(program)
    if ended < 0:
        raise Temporary("child crashed")
    if ended == Temporary.status:
        raise Temporary("temporary child error")
    if ended:
        return 0
    try:
        files.rewind(MESSAGE)
    except OSError as error:
        raise Temporary(f"unable to rewind: {errtext.reason(error)}") from error
    signals.ignore(signals.SIGPIPE)
    sender, delivered_to = _set_by_qmail_local(b"SENDER"), _set_by_qmail_local(b"DTLINE")
    try:
        pid, reply = pass_on(qmail_home(), delivered_to, MESSAGE, sender, [address])
    except OSError as error:
        raise Temporary(f"unable to fork: {errtext.reason(error)}") from error
    except Unreadable as error:
        raise Temporary(f"unable to read message: {error.reason}") from error
    if reply is not None:
        kind = Permanent if reply.startswith(b"D") else Temporary
        raise kind(os.fsdecode(reply[1:]))
    ending.say(f"{NAME}: qp {pid}\n")
    return LAST


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
