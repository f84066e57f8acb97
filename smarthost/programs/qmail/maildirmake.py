"""maildirmake: make a maildir for incoming mail.

    maildirmake dir

Reads   nothing
Writes  dir, dir/tmp, dir/new and dir/cur, for the owner only (mode 700)
Exits   0; 100 without a name; 111 when a directory cannot be made or exists already
Differs nothing known
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Permanent, Temporary
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "maildirmake"


class _Usage(Permanent):
    """The original's line says the program's name twice in its own way."""

    def line(self, program: str) -> str:
        return f"{program}: usage: {program} name\n"


def _make(directory: bytes, shown: bytes) -> None:
    try:
        os.mkdir(directory, 0o700)
    except OSError as error:
        raise Temporary(f"unable to mkdir {os.fsdecode(shown)}: {errtext.reason(error)}") from error


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise _Usage
    maildir = arguments[0]
    os.umask(0o077)
    _make(maildir, maildir)
    for part in (b"/tmp", b"/new", b"/cur"):
        _make(maildir + part, maildir + part)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
