"""qmail-tcpto: show which hosts did not answer in time

    qmail-tcpto

Reads   queue/lock/tcpto below QMAILHOME, under its lock
Writes  on descriptor 1 a line for each host: when it last timed out, and how often lately; what failed, too
Exits   0; 111 if the table cannot be read
Differs a time that lies ahead is shown as 0 seconds ago;
        --help and --version, alone, are answered
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.formats.tcpto import entries
from smarthost.store import tcpto
from smarthost.store.home import qmail_home
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "qmail-tcpto"

STDOUT: Final = 1


def body(_arguments: list[bytes]) -> int:
    path = qmail_home() + tcpto.PLACE
    if not os.path.isdir(os.path.dirname(path)):
        return _failed("unable to chdir", FileNotFoundError(2, ""))
    try:
        table = tcpto.read(path)
    except OSError as error:
        return _failed(f"unable to {error.strerror} tcpto", error)
    now = int(time.time())
    for entry in entries(table):
        if entry.count:
            address = b".".join([b"%d" % byte for byte in entry.address])
            facts = (address, max(now - entry.when, 0), entry.count)
            files.write_all(STDOUT, b"%b timed out %d seconds ago; # recent timeouts: %d\n" % facts)
    return 0


def _failed(what: str, error: OSError) -> int:
    """The original says so, too, on descriptor 1."""
    files.write_all(STDOUT, f"fatal: {what}: {errtext.reason(error)}\n".encode())
    return 111


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
