"""envuidgid: run a program with an account's numbers in UID and GID.

usage: envuidgid account child

Reads   the account's user and group from the system's list of accounts
Writes  nothing: sets UID and GID, and becomes child as the user that it is already. It is for child
        (tcpserver -U, for one) to become the account
Exits   100 without arguments, 111 for an unknown account or if child cannot be run; else as child does
Differs --help and --version, alone, are answered. What stands in the environment and is no variable, or
        is there a second time, is not handed on
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.unix import environment, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "envuidgid"
USAGE = "envuidgid account child"


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise UsageError(USAGE)
    account, *child = arguments
    found = identity.of_account(account)
    if found is None:
        raise Temporary(f"unknown account {os.fsdecode(account)}")
    launch.become(child, {**environment.current(), b"GID": b"%d" % found.gid, b"UID": b"%d" % found.uid})


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
