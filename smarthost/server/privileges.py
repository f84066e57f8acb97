"""The identity that a server takes on once its socket is there, before it looks at anything of a client's."""

from __future__ import annotations

import os

from smarthost.errors import Temporary, UsageError
from smarthost.unix import errtext, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# One more means "no change" to the kernel.
LAST_ID: Final = 2**32 - 2


def id_in_environment(name: bytes, option: str, usage: str, otherwise: int) -> int:
    """The id that a variable holds, as envuidgid sets it. Raises UsageError if that is none."""
    value = os.environb.get(name)
    if value is None:
        return otherwise
    if not value.isdigit() or int(value[:20]) > LAST_ID:
        raise UsageError(usage, f"option -{option}: ${name.decode()} is not an id")
    return int(value)


def drop(gid: int | None, uid: int | None) -> None:
    """The group first; None leaves one as it is. Raises Temporary."""
    for number, what, assume in ((gid, "gid", identity.assume_group), (uid, "uid", identity.assume_user)):
        if number is not None:
            try:
                assume(number)
            except OSError as error:
                raise Temporary(f"unable to set {what}: {errtext.reason(error)}") from error
