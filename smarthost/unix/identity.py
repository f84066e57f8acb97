"""Which account is this process, and how does it give power up?"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Identity:
    """The user and the group that a process runs as."""

    __slots__ = ("gid", "uid")

    def __init__(self, uid: int, gid: int) -> None:
        self.uid: Final = uid
        self.gid: Final = gid

    def __repr__(self) -> str:
        return f"Identity(uid={self.uid}, gid={self.gid})"


def of_account(name: bytes) -> Identity | None:
    """The user of that name with the group that belongs to it; None if there is no such account."""
    import pwd  # noqa: PLC0415 - loads name service libraries; who is told numbers does without

    try:
        entry = pwd.getpwnam(os.fsdecode(name))
    except (KeyError, ValueError):  # ValueError: a name with a zero byte
        return None
    return Identity(entry.pw_uid, entry.pw_gid)


def of_group(name: bytes) -> int | None:
    """The number of the group of that name; None if there is no such group."""
    import grp  # noqa: PLC0415 - as above

    try:
        return grp.getgrnam(os.fsdecode(name)).gr_gid
    except (KeyError, ValueError):
        return None


def name_of(uid: int) -> bytes | None:
    """The user's name; None if no account has this number."""
    import pwd  # noqa: PLC0415 - as above

    try:
        return os.fsencode(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return None


def group_of(name: bytes) -> int | None:
    """The group's number; None if there is no such group."""
    import grp  # noqa: PLC0415 - as above

    try:
        return grp.getgrnam(os.fsdecode(name)).gr_gid
    except (KeyError, ValueError):
        return None


def assume_groups(account: bytes, gid: int) -> None:
    """Have this group, and those that the account is a member of. Raises OSError."""
    os.initgroups(os.fsdecode(account), gid)
    os.setgid(gid)


def assume_group(gid: int) -> None:
    """Have this group and no other. Raises OSError."""
    os.setgroups([gid])
    os.setgid(gid)


def assume_user(uid: int) -> None:
    """Become this user for good. Raises OSError."""
    os.setuid(uid)


def assume(identity: Identity) -> None:
    """Groups first: once the user is gone, so is the right to change them. Raises OSError."""
    assume_group(identity.gid)
    assume_user(identity.uid)
