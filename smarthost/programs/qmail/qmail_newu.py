"""qmail-newu: compile users/assign, so that qmail-lspawn goes by it.

Reads   users/assign of the home ($QMAILHOME, else where this program lies, else /var/qmail)
Writes  users/cdb, in place of the old one; users/cdb.tmp meanwhile
Exits   0, 111 when something failed: then the old file is in use as before
Differs the home is not compiled in; the file's new name is synced, as Linux needs it
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.store import users
from smarthost.store.home import qmail_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "qmail-newu"


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    del arguments  # the original looks at none
    home = qmail_home()
    os.umask(0o033)
    try:
        os.chdir(home)
    except OSError as error:
        raise Temporary("unable to chdir") from error
    users.compile_assignments(b".")
    return 0
