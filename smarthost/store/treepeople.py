"""Whose a tree is: one account's for all, or qmail's, each for a part; and the queue that is made for them."""

from __future__ import annotations

import os
import sys

from smarthost.errors import Permanent, Temporary
from smarthost.store import deployment, mailtree, spool
from smarthost.unix import identity
from smarthost.unix.identity import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final


class People:
    """The accounts of a tree: one for all, or qmail's."""

    def __init__(self, home: bytes, user: bytes | None, *, system: bool) -> None:
        """user: the one that was asked for. Raises OSError, and Permanent for an account that does not exist."""
        existing = mailtree.queue_owner(home)
        one = user
        if one is None and system and existing not in (None, b"qmailq"):
            one = existing  # a queue that is there is left alone, and only its owner can work on it
        self.qmails: Final = {name: account(name) for name in mailtree.ACCOUNTS if system and one is None}
        self.name: Final = b"qmailq" if self.qmails else _who_we_are() if one is None else one
        found = identity.of_account(self.name) if one is None and not self.qmails else account(self.name)
        self.queue: Final = found or Identity(os.geteuid(), os.getegid())
        self.remote: Final = self.qmails.get(b"qmailr", self.queue)
        self.log: Final = self.qmails.get(b"qmaill", self.queue)
        self.log_name: Final = b"qmaill" if self.qmails else self.name

    @property
    def to_chown(self) -> bool:
        return self.queue.uid != os.geteuid()


def _who_we_are() -> bytes:
    return identity.name_of(os.geteuid()) or b"%d" % os.geteuid()


def account(name: bytes) -> Identity:
    found = identity.of_account(name)
    if found is None:
        raise Permanent(
            f"there is no account {os.fsdecode(name)}: make one with useradd, or name another with -u"
        )
    return found


def make_queue(home: bytes, people: People) -> bool:
    """The queue belongs to the account that the service runs as, or to qmail's; one that is there is left alone.

    Whether it was missing. Raises OSError and Temporary.
    """
    path = home + b"/queue"
    if os.path.isdir(path):
        if not people.to_chown:
            spool.make_queue(home)
        mailtree.add_to_queue(path)
        return False
    if people.qmails:
        mailtree.make_system_queue(home, people.qmails)
    elif not people.to_chown:
        spool.make_queue(home)
    else:
        deployment.directory(path, 0o750, (people.queue.uid, people.queue.gid))
        _as_user(people.queue, lambda: spool.make_queue(home))
    return True


def closed_to(who: Identity) -> bytes | None:
    """What of this installation that account cannot use, and has to. Raises OSError."""
    needed = ((deployment.PACKAGE + b"/__init__.py", os.R_OK), (os.fsencode(sys.executable), os.X_OK))

    def child() -> int:
        return next((n for n, (path, mode) in enumerate(needed, 1) if not os.access(path, mode)), 0)

    lacking = os.waitstatus_to_exitcode(_status_as(who, child))
    return needed[lacking - 1][0] if 0 < lacking <= len(needed) else None


def _as_user(owner: Identity, step: Callable[[], None]) -> None:
    """Take one step as somebody else. Raises Temporary."""

    def child() -> int:
        step()
        return 0

    if _status_as(owner, child) != 0:
        raise Temporary("unable to make the queue as the account that it belongs to")


def _status_as(owner: Identity, step: Callable[[], int]) -> int:
    """Take a step as somebody else, in a child: its wait status."""
    from smarthost.unix import process  # noqa: PLC0415 - only where there is another account

    def child() -> int:
        identity.assume(owner)
        return step()

    return os.waitpid(process.fork_child(child), 0)[1]
