"""mailsubj: send standard input as a message with a subject.

    mailsubj subject recipient ...

Reads   the body on descriptor 0
Writes  a message with Subject and To fields to qmail-inject of the home. Both must be fit for a header
Exits   as qmail-inject; 100 without a subject
Differs a message for nobody is refused (100); without a subject there is a usage line, where the
        original's shell complains; a backslash stays one, which some shells' echo does not know
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.policy import nobody
from smarthost.store.home import program, qmail_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "mailsubj"
USAGE: Final = "mailsubj subject recip ..."


def body(arguments: list[bytes]) -> int:
    if not arguments:
        raise UsageError(USAGE)
    subject, *recipients = arguments
    head = b"Subject: %s\nTo: %s\n\n" % (subject, b" ".join(recipients))
    nobody.refuse(os.environb)
    status = launch.feed([program(b"qmail-inject", qmail_home())], head)
    if status < 0:
        raise Temporary("qmail-inject crashed")
    return status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)
