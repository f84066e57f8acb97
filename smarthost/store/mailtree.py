"""What a tree needs so that its mail is delivered: whose the queue is, and where local mail goes.

A tree of one account has one for all: the queue is its own, and users/assign gives every local address to it, to
be delivered as alias/.qmail-* say. A system has qmail's accounts, each for a part, and mail goes to users; what
belongs to no user goes to the account alias.
"""

from __future__ import annotations

import os
import shutil

from smarthost.store import deployment, spool
from smarthost.unix import files, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from smarthost.unix.identity import Identity

# Who a system's mail needs, besides users: alias has what is nobody's, the others are the programs'.
ACCOUNTS: Final = (b"alias", b"qmaild", b"qmaill", b"qmailp", b"qmailq", b"qmailr", b"qmails")

# Whose the parts of a system's queue are; qmailq's is what is not named.
OF_SEND: Final = frozenset((b"bounce", b"info", b"local", b"remote", b"orders", b"hold", b"why"))
OF_SEND_IN_LOCK: Final = frozenset((b"sendmutex", b"trigger"))

# Mail to these is to reach somebody (RFC 2142 and the customs of qmail), where there is nobody else.
ADDRESSES: Final = (b"mailer-daemon", b"postmaster", b"root")
TO_MAILDIR: Final = b"./Maildir/\n"

# nullmailer's control files, whose names are ours as well. Debian's has the host's name elsewhere.
NULLMAILER: Final = (
    *(b"adminaddr", b"allmailfrom", b"defaultdomain", b"defaulthost", b"helohost", b"idhost", b"maxpause"),
    *(b"me", b"pausetime", b"queuelifetime", b"remotes", b"sendtimeout"),
)
MAILNAME: Final = b"/etc/mailname"


def make_system_queue(home: bytes, accounts: Mapping[bytes, Identity]) -> None:
    """Make the queue with qmail's owners. It has its name only when it is whole. Raises OSError."""
    draft = home + b"/.queue.new"
    shutil.rmtree(draft, ignore_errors=True)
    files.make_directory(draft, 0o700)
    spool.make_queue(draft)
    for directory, names, others in os.walk(draft + spool.QUEUE):
        for name in (b"", *names, *others):
            path = os.path.join(directory, name).rstrip(b"/")
            owner = accounts[_owner(os.path.relpath(path, draft + spool.QUEUE))]
            os.chown(path, owner.uid, accounts[b"qmailq"].gid)
    files.rename(draft + spool.QUEUE, home + spool.QUEUE)
    os.rmdir(draft)


def add_to_queue(queue: bytes) -> None:
    """What a queue of qmail's lacks: where orders, holds and errors are. Raises OSError."""
    send = os.stat(queue + b"/info")
    for name in (b"orders", b"hold", b"why"):
        if not os.path.lexists(queue + b"/" + name):
            owner = (send.st_uid, send.st_gid) if send.st_uid != os.geteuid() else None
            deployment.directory(queue + b"/" + name, 0o700, owner)


def _owner(path: bytes) -> bytes:
    """Whose this part of the queue is."""
    first, _, second = path.partition(b"/")
    if first in OF_SEND or (first == b"lock" and second in OF_SEND_IN_LOCK):
        return b"qmails"
    return b"qmailr" if path == b"lock/tcpto" else b"qmailq"


def make_maildir(path: bytes, owner: Identity | None) -> bool:
    """Whether it was missing. Raises OSError."""
    if os.path.isdir(path):
        return False
    pair = None if owner is None else (owner.uid, owner.gid)
    for name in (b"", b"/tmp", b"/new", b"/cur"):
        deployment.directory(path + name, 0o700, pair)
    return True


def assignments(account: bytes, owner: Identity, alias: bytes) -> bytes:
    """users/assign of a tree of one account: every address is its own, with alias/.qmail-ADDRESS."""
    return b"+:%s:%d:%d:%s:-::\n.\n" % (account, owner.uid, owner.gid, alias)


def nullmailer_links(directory: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and target for each control file that is nullmailer's. What is not there now counts once it is."""
    for name in NULLMAILER:
        target = directory + b"/" + name
        if name == b"me" and not os.path.lexists(target) and os.path.exists(MAILNAME):
            target = MAILNAME
        yield name, target


def home_of(account: bytes) -> bytes:
    """The home of an account that exists."""
    import pwd  # noqa: PLC0415 - loads name service libraries

    return os.fsencode(pwd.getpwnam(os.fsdecode(account)).pw_dir)


def may_read(who: Identity, path: bytes) -> bool:
    """Whether that account may, as far as the file itself says."""
    status = os.stat(path)
    bit = 0o400 if status.st_uid == who.uid else 0o040 if status.st_gid == who.gid else 0o004
    return bool(status.st_mode & bit)


def host_name() -> bytes:
    """What this host is called, to begin with."""
    try:
        with files.stream(MAILNAME) as mailname:
            name = mailname.readline().strip()
    except OSError:
        name = b""
    return name or os.fsencode(os.uname().nodename)


def queue_owner(home: bytes) -> bytes | None:
    """The account that the queue belongs to; None if there is no queue, or no account of that number."""
    try:
        owner = os.stat(home + spool.QUEUE + b"/mess").st_uid
    except FileNotFoundError:
        return None
    return identity.name_of(owner)
