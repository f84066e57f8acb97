"""qmail-tcpok: forget which hosts did not answer in time

    qmail-tcpok

Reads   nothing
Writes  zeros over queue/lock/tcpto below QMAILHOME, under its lock
Exits   0; 111 if that is not possible
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.store import tcpto
from smarthost.store.home import qmail_home
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "qmail-tcpok"


def body(_arguments: list[bytes]) -> int:
    home = os.path.abspath(qmail_home())
    path = home + tcpto.PLACE
    for directory in (home, os.path.dirname(path)):
        try:
            os.chdir(directory)
        except OSError as error:
            raise Temporary(
                f"unable to chdir to {os.fsdecode(directory)}: {errtext.reason(error)}"
            ) from error
    try:
        tcpto.clear(path, wait=True)
    except OSError as error:
        raise Temporary(f"unable to {error.strerror} {os.fsdecode(path)}: {errtext.reason(error)}") from error
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
