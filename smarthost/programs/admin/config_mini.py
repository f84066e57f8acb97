"""config-mini: say who a mini-qmail host is and where its mail goes.

    config-mini smarthost domain plusdomain localhostname server ...

Reads   the home from QMAILHOME, else where this program lies, else /var/mini-qmail
Writes  control/me, defaultdomain, plusdomain, idhost and qmqpservers of the home, each whole or not
        at all, replacing what was there; one line for each on descriptor 1
Exits   0; 100 when the words make no sense, and then nothing is written; 111 when a file cannot be
Differs the lines are those of the walk-through in the QmailToaster wiki, blanks between the dots
        included; the kit that they come from could not be had. A server may be anything that
        qmail-qmqpc takes; words are checked
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import FormatError, Temporary, UsageError
from smarthost.policy import minihome
from smarthost.store import deployment
from smarthost.store.home import MINI, qmail_home
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "config-mini"


def body(arguments: list[bytes]) -> int:
    try:
        planned = minihome.plan(arguments)
    except FormatError as error:
        raise UsageError(f"{NAME} {minihome.USAGE}", str(error)) from error
    home = qmail_home(default=MINI)
    for file in planned:
        path = home + b"/control/" + file.name
        ending.say(os.fsdecode(file.announcement), ending.STDOUT)
        try:
            deployment.write(path, file.content)
        except OSError as error:
            raise Temporary(f"unable to write {os.fsdecode(path)}: {errtext.reason(error)}") from error
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
