"""A maildir as its reader sees it: what waits in new/ and cur/, and what was left behind in tmp/.

maildir(5) says that a message is complete once it is in new/, and that a file in tmp/ which
nobody has read for 36 hours belongs to a delivery that died.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ABANDONED_AFTER = 36 * 60 * 60


def enter(environ: Mapping[bytes, bytes]) -> None:
    """Make $MAILDIR the current directory; every name below is relative to it."""
    maildir = environ.get(b"MAILDIR")
    if maildir is None:
        raise Temporary("MAILDIR not set")
    try:
        os.chdir(maildir)
    except OSError as error:
        raise Temporary(f"unable to chdir to {os.fsdecode(maildir)}: {errtext.reason(error)}") from error


def sweep(now: float) -> None:
    """Remove from tmp/ what was abandoned. What cannot be looked at or removed stays."""
    try:
        names = os.listdir(b"tmp")
    except OSError:
        return
    for name in names:
        path = b"tmp/" + name
        if name.startswith(b"."):
            continue
        try:
            if now > os.stat(path).st_atime + ABANDONED_AFTER:
                files.unlink(path)
        except OSError:
            pass


def waiting(directories: Sequence[bytes], now: float) -> list[tuple[int, bytes]]:
    """The messages in `directories` (new, cur), oldest first: (seconds of arrival, name).

    One that arrived within this second waits for the next time: another may still come before it.
    """
    found: list[tuple[int, bytes]] = []
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError as error:
            raise Temporary(
                f"unable to scan $MAILDIR/{os.fsdecode(directory)}: {errtext.reason(error)}"
            ) from error
        for name in names:
            path = directory + b"/" + name
            if name.startswith(b"."):
                continue
            try:
                arrived = int(os.stat(path).st_mtime)
            except OSError:  # another reader was faster
                continue
            if arrived < int(now):
                found.append((arrived, path))
    return sorted(found)
