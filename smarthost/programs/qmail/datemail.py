"""datemail: send a message as sendmail does, with a Date field in local time.

    datemail [ argument of sendmail ... ]

Reads   a message on descriptor 0; TZ
Writes  what sendmail of the home writes, started by predate
Exits   as predate, which exits as sendmail
Differs nothing known, but sendmail does
"""

from __future__ import annotations

from smarthost import ending, launch
from smarthost.store.home import program, qmail_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "datemail"


def body(arguments: list[bytes]) -> int:
    home = qmail_home()
    return launch.finish_as([program(b"predate", home), program(b"sendmail", home), *arguments])


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
