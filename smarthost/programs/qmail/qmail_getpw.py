"""qmail-getpw: which account does an address belong to, if nothing else says so?

    qmail-getpw local

Reads   the accounts. The one that is named by local, or by local up to a dash; it counts if it is not
        root's and its home belongs to it. Else the account alias
Writes  on descriptor 1 name, uid, gid, home, dash and extension, each followed by a zero byte
Exits   0; 100 no argument, 115 a home on a network file system cannot be looked at now, 116 there is no
        account alias
Differs a name service that fails is never told from one that does not know the name
"""

from __future__ import annotations

import os
import pwd

from smarthost import ending
from smarthost.policy import lspawn
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME: Final = "qmail-getpw"
REENTRANT: Final = True

ALIAS: Final = "alias"
BREAK: Final = b"-"
# As the original: no account has a longer name.
NAME_LIMIT: Final = 31


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv)  # any word may be an address, and so may --help


def body(arguments: list[bytes]) -> int:
    if not arguments:
        return 100
    local = arguments[0]
    try:
        found = owner_of(local)
    except OSError:
        return lspawn.NFS
    if found is None:
        alias = _account(ALIAS)
        if alias is None:
            return lspawn.NO_ALIAS
        found = alias, BREAK, local
    account, dash, extension = found
    fields = (
        os.fsencode(account.pw_name),
        b"%d" % account.pw_uid,
        b"%d" % account.pw_gid,
        os.fsencode(account.pw_dir),
        dash,
        extension,
    )
    files.write_all(ending.STDOUT, b"".join([field + b"\0" for field in fields]))
    return 0


def owner_of(local: bytes) -> tuple[pwd.struct_passwd, bytes, bytes] | None:
    """The account, the dash that was there, and what stands behind it. Raises OSError: ask again later."""
    end = len(local)
    while end >= 0:
        account = _account(os.fsdecode(local[:end].lower())) if end <= NAME_LIMIT else None
        if account is not None and account.pw_uid and _lives_at_home(account):
            return account, local[end : end + 1], local[end + 1 :]
        end = local.rfind(BREAK, 0, end)
    return None


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None


def _lives_at_home(account: pwd.struct_passwd) -> bool:
    try:
        return files.look(os.fsencode(account.pw_dir)).st_uid == account.pw_uid
    except OSError as error:
        if errtext.is_temporary(error):
            raise
        return False
