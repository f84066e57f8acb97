"""qmail-start: turn on mail delivery.

    qmail-start [defaultdelivery [logger argument ...]]

It starts qmail-lspawn, with defaultdelivery (./Mailbox), qmail-rspawn and qmail-clean, each with pipes to and from
what it then becomes: qmail-send. They are looked for along PATH.

Writes  nothing; qmail-send's log goes to its standard output, or to the logger, whose output that then is
Exits   111 if it cannot; else as qmail-send does
Differs Accounts and groups are looked up by the names qmaill, qmailq, qmailr, qmails, qmail and nofiles when it
        starts. Where it is not root there is nothing to choose: all run as who started it. So they do, too, where
        the queue is root's: no installation of qmail has that, but a tree that root made to try things out. Programs
        that PATH does not have are taken from where qmail-start lies. A relative QMAILHOME is made absolute, because
        what is started begins in /. qmail-send begins with HUP and ALRM ignored, until it catches them.
"""

from __future__ import annotations

import os
import sys

from smarthost import ending, launch
from smarthost.errors import ProgramError
from smarthost.store.home import qmail_home
from smarthost.unix import environment, identity, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, NoReturn

NAME: Final = "qmail-start"

DEFAULT_DELIVERY: Final = b"./Mailbox"

LOG_ACCOUNT: Final = b"qmaill"
QUEUE_ACCOUNT: Final = b"qmailq"
REMOTE_ACCOUNT: Final = b"qmailr"
SEND_ACCOUNT: Final = b"qmails"
QUEUE_GROUP: Final = b"qmail"
NO_FILES_GROUP: Final = b"nofiles"

# Where qmail-send has its own; nobody else is to have them.
PLACES: Final = range(2, 7)


class _Unable(Exception):
    """It says nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    try:
        start(arguments)
    except (OSError, ProgramError, _Unable):
        return 111


class Powers:
    """Who each program runs as. Where we are not root, or the queue is root's own, everybody is who we are."""

    def __init__(self, home: bytes) -> None:
        self._root = os.geteuid() == 0 and not _is_roots_own(home)
        if self._root:
            self.log, self.queue, self.remote, self.send = map(
                _user, (LOG_ACCOUNT, QUEUE_ACCOUNT, REMOTE_ACCOUNT, SEND_ACCOUNT)
            )
            self.queue_group, self.no_files = map(_group, (QUEUE_GROUP, NO_FILES_GROUP))
        else:
            self.log = self.queue = self.remote = self.send = os.getuid()
            self.queue_group = self.no_files = os.getgid()

    def assume_group(self, gid: int) -> None:
        if self._root:
            identity.assume_group(gid)

    def assume_groups(self, account: bytes, gid: int) -> None:
        """This group, and those that the account is a member of."""
        if self._root:
            identity.assume_groups(account, gid)

    def assume_user(self, uid: int) -> None:
        if self._root:
            identity.assume_user(uid)


def _is_roots_own(home: bytes) -> bool:
    try:
        return os.stat(home + b"/queue/mess").st_uid == 0
    except OSError:
        return False


def _user(account: bytes) -> int:
    found = identity.of_account(account)
    if found is None:
        raise _Unable
    return found.uid


def _group(name: bytes) -> int:
    gid = identity.group_of(name)
    if gid is None:
        raise _Unable
    return gid


def start(arguments: list[bytes]) -> NoReturn:
    """Start them all, and become qmail-send."""
    environment.undo_python()
    beside = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0])))
    home = os.path.abspath(qmail_home())
    named = os.environb.get(b"QMAILHOME")
    if named:
        os.environb[b"QMAILHOME"] = os.path.abspath(named)
    os.chdir(b"/")
    os.umask(0o077)
    powers = Powers(home)
    powers.assume_group(powers.queue_group)
    for place in PLACES:
        os.dup2(0, place)
    delivery = arguments[0] if arguments else DEFAULT_DELIVERY
    logger = arguments[1:]
    if logger:
        _start_logger(powers, logger)
    pipes = [os.pipe() for _ in range(6)]  # closed by exec: what is to stay is copied to its place
    _child(pipes[0][0], pipes[1][1], lambda: None, [_found(b"qmail-lspawn", beside), delivery])

    def remote() -> None:
        powers.assume_groups(REMOTE_ACCOUNT, powers.queue_group)
        powers.assume_user(powers.remote)

    _child(pipes[2][0], pipes[3][1], remote, [_found(b"qmail-rspawn", beside)])
    _child(
        pipes[4][0],
        pipes[5][1],
        lambda: powers.assume_user(powers.queue),
        [_found(b"qmail-clean", beside)],
    )
    powers.assume_user(powers.send)
    os.dup2(1, 0)
    ends = (pipes[0][1], pipes[1][0], pipes[2][1], pipes[3][0], pipes[4][1], pipes[5][0])
    for place, end in enumerate(ends, 1):
        os.dup2(end, place)
    # Whoever looks for a qmail-send by its name may find it before it catches what it is sent, and it needs longer
    # for that than the original. TERM may end it.
    for signum in (signals.SIGHUP, signals.SIGALRM):
        signals.ignore(signum)
    launch.become([_found(b"qmail-send", beside)])


def _start_logger(powers: Powers, logger: list[bytes]) -> None:
    """It reads what our descriptor 1 is told from now on, and writes to what that was."""
    ours, theirs = os.pipe()

    def run() -> int:
        powers.assume_group(powers.no_files)
        powers.assume_user(powers.log)
        os.dup2(ours, 0)
        _close_places()
        launch.become(logger)

    process.fork_child(run)
    os.close(ours)
    os.dup2(theirs, 1)
    os.close(theirs)


def _child(reads: int, writes: int, assume: Callable[[], None], argv: list[bytes]) -> None:
    def run() -> int:
        assume()
        os.dup2(reads, 0)
        os.dup2(writes, 1)
        _close_places()
        launch.become(argv)

    process.fork_child(run)


def _close_places() -> None:
    for place in PLACES:
        os.close(place)


def _found(name: bytes, beside: bytes) -> bytes:
    """The name, for PATH to say what it is; where PATH does not know it, the one beside our launcher."""
    return launch.first_found([name, beside + b"/" + name])
