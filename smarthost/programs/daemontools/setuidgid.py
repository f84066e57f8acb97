"""setuidgid: run a program as another account.

usage: setuidgid account child

Reads   the account's user and group from the system's list of accounts
Writes  nothing: sets the group list to the account's group alone, then the group, then the user,
        and becomes child
Exits   100 without arguments, 111 for an unknown account or one that may not be taken on, or if
        child cannot be run; else as child does
Differs --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.unix import errtext, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "setuidgid"
USAGE = "setuidgid account child"


def body(arguments: list[bytes]) -> int:
    if len(arguments) < 2:
        raise UsageError(USAGE)
    account, *child = arguments
    wanted = identity.of_account(account)
    if wanted is None:
        raise Temporary(f"unknown account {os.fsdecode(account)}")
    try:
        identity.assume_group(wanted.gid)
    except OSError as error:
        raise Temporary(f"unable to setgid: {errtext.reason(error)}") from error
    try:
        identity.assume_user(wanted.uid)
    except OSError as error:
        raise Temporary(f"unable to setuid: {errtext.reason(error)}") from error
    launch.become(child)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
