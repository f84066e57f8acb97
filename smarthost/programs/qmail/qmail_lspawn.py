"""qmail-lspawn: make local deliveries, each by a qmail-local of its own, as the user in charge of the address.

    qmail-lspawn defaultdelivery

Reads   commands on descriptor 0 (formats/spawn.py says what they are), messages in queue/mess of the home;
        users/cdb, else what bin/qmail-getpw says, about each address
Writes  a byte, then reports, on descriptor 1
Starts  bin/qmail-local of the home, with the message on 0 and its words on 1 and 2; one of this
        installation's own runs in a fork of this process, which has it loaded, and so do further deliveries
        to the same user if they come within a second
Exits   0 when descriptor 0 has ended and no delivery runs any more; 100 no argument, 111 no home or queue
Differs the home is not compiled in: QMAILHOME, else where this program lies, else /var/qmail; who may own a message
        is whoever owns queue/mess, not the account qmailq; without the account qmailp or the group nofiles
        qmail-getpw cannot be run; a queue of root's own, as root's tree has that was made to try things out,
        may have its mail delivered as root; where it is not root it changes no identity, and a delivery to
        another user ends as if that had failed; an output is cut at the same place whatever pieces it came
        in; deliveries do not inherit a blocked SIGCHLD; an id that no user can have is an "Internal qmail-
        lspawn bug", not another id
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import FormatError, Temporary
from smarthost.formats import assign
from smarthost.policy import lspawn
from smarthost.server import delivering, spawner
from smarthost.server.crew import AsUser, Crew
from smarthost.server.delivering import Asking
from smarthost.store.home import program, qmail_home
from smarthost.store.users import Users
from smarthost.unix import errtext, fds, identity, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from smarthost.formats.assign import Assignment
    from smarthost.launch import Own
    from smarthost.server.workers import Worker

NAME: Final = "qmail-lspawn"

MESS: Final = b"queue/mess"

LOCAL: Final = b"qmail-local"
GETPW: Final = b"qmail-getpw"
GETPW_ACCOUNT: Final = b"qmailp"
GETPW_GROUP: Final = b"nofiles"


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    if not arguments:
        return 100
    fds.occupy_standard()
    home = os.path.abspath(qmail_home())
    os.environb[b"QMAILHOME"] = home  # for what deliveries start
    try:
        os.chdir(home + b"/" + MESS)
    except OSError as error:
        raise Temporary(
            f"unable to switch to {os.fsdecode(home)}/queue/mess: {errtext.reason(error)}"
        ) from error
    deliveries = Deliveries(home, arguments[0])
    return spawner.Spawner(deliveries.start, lspawn.report, lspawn.LONGEST, deliveries.crew).serve()


class _Helper:
    """A program of the home that deliveries run."""

    def __init__(self, name: bytes, home: bytes) -> None:
        self._file = program(name, home)
        self._name = b"bin/" + name
        self._own = launch.own([self._file])
        if self._own is not None:
            self._own.prepare()

    def loaded(self) -> Own | None:
        """It, if it is one of this installation's own, and still the file that it was."""
        return self._own if self._own is not None and self._own.is_current() else None

    def run(self, own: Own | None, arguments: Sequence[bytes]) -> int:
        """Run it in this very process, which ends with it. Raises OSError if it cannot be run."""
        if own is not None:
            own.settle()
            return own.run_with(arguments)
        for signum in signals.IGNORED_BY_PYTHON:
            if signum != signals.SIGPIPE:  # which the original leaves ignored
                signals.uncatch(signum)
        return os.execv(self._file, [self._name, *arguments])


class Deliveries:
    """How a delivery is started."""

    def __init__(self, home: bytes, default: bytes) -> None:
        self._home = home
        self._default = default
        self._users = Users(home)
        self._local = _Helper(LOCAL, home)
        self._getpw = _Helper(GETPW, home)
        self._is_root = os.geteuid() == 0
        self._is_of_root = os.stat(b".").st_uid == 0
        # Asked for now: what finds accounts is loaded then, and every delivery's process has it.
        account = identity.of_account(GETPW_ACCOUNT)
        group = identity.of_group(GETPW_GROUP)
        self._getpw_identity = None
        if account is not None and group is not None:
            self._getpw_identity = identity.Identity(account.uid, group)
        self.crew = Crew(self._local.loaded(), self._getpw.loaded(), always=not self._is_root)

    def start(self, message: int, output: int, sender: bytes, recipient: bytes) -> int | Worker | Asking:
        """For the spawner. Raises OSError."""

        def apart(body: Callable[[], int]) -> int:
            return delivering.fork(message, output, body)

        local, _, host = recipient.rpartition(b"@")
        if not local:
            return apart(lambda: 0)
        try:
            data = self._users.find(local)
        except (OSError, FormatError):
            return apart(lambda: lspawn.CDB)
        if data is None:
            return self._ask(local, host, sender, message, output)
        try:
            assigned = assign.assignment(data)
        except FormatError:
            return apart(lambda: lspawn.USAGE)
        return self._begin(assigned, self._words(assigned, local, host, sender), message, output)

    def _begin(self, assigned: Assignment, words: Sequence[bytes], message: int, output: int) -> int | Worker:
        own = self._local.loaded()
        user = assigned.uid, assigned.gid
        if own is not None and self.crew.pays(user, words):
            settled = AsUser(own, lambda: self._become(assigned))
            try:
                return self.crew.begin(user, settled, message, output, words)
            except OSError:
                pass  # a worker takes descriptors of ours for as long as it lives, and there may be none left
        return delivering.fork(message, output, lambda: self._run(own, assigned, words))

    # Where nobody is assigned the address, qmail-getpw is asked. It runs apart and without rights: it asks
    # services that others may answer, and they may take their time.

    def _ask(self, local: bytes, host: bytes, sender: bytes, message: int, output: int) -> int | Asking:
        if self._is_root and self._getpw_identity is None:
            return delivering.fork(message, output, lambda: lspawn.EXEC_GETPW)

        def then(wait_status: int, answer: bytes, message: int, output: int) -> int | Worker:
            ended = os.waitstatus_to_exitcode(wait_status)
            status = lspawn.SYSTEM if ended < 0 or len(answer) >= delivering.ANSWER_LIMIT else ended
            if not status:
                try:
                    assigned = assign.assignment(answer)
                except FormatError:
                    status = lspawn.USAGE
                else:
                    return self._begin(assigned, self._words(assigned, local, host, sender), message, output)
            return delivering.fork(message, output, lambda: status)

        own = self._getpw.loaded()
        if own is not None and self.crew.pays(GETPW, [local]):
            try:
                return Asking(
                    self.crew.begin(GETPW, AsUser(own, self._become_nobody), None, output, [local]), then
                )
            except OSError:
                pass
        return Asking(delivering.fork_asked(output, lambda: self._answer(own, local)), then)

    def _words(self, assigned: Assignment, local: bytes, host: bytes, sender: bytes) -> list[bytes]:
        of_user = (assigned.user, assigned.home, local, assigned.dash, assigned.ext)
        return [b"--", *of_user, host, sender, self._default]

    # In a delivery's process:

    def _run(self, own: Own | None, assigned: Assignment, words: Sequence[bytes]) -> int:
        status = self._become(assigned)
        if status is not None:
            return status
        try:
            return self._local.run(own, words)
        except OSError as error:
            return lspawn.EXEC_SOFT if errtext.is_temporary(error) else lspawn.EXEC_HARD

    def _become(self, assigned: Assignment) -> int | None:
        """Take the user on, in the home; a status if that cannot be."""
        try:
            os.chdir(self._home)
            if self._is_root:
                identity.assume(identity.Identity(assigned.uid, assigned.gid))
        except OSError:
            return lspawn.USAGE
        if os.getuid() == 0 and not self._is_of_root:
            return lspawn.ROOT
        if assigned.uid != os.getuid() or assigned.gid not in (os.getgid(), *os.getgroups()):
            return lspawn.USAGE
        return None

    # In the process of a qmail-getpw:

    def _become_nobody(self) -> int | None:
        try:
            os.chdir(self._home)
            if self._is_root and self._getpw_identity is not None:
                identity.assume(self._getpw_identity)
        except OSError:
            return lspawn.USAGE
        return None

    def _answer(self, own: Own | None, local: bytes) -> int:
        status = self._become_nobody()
        if status is not None:
            return status
        try:
            return self._getpw.run(own, [local])
        except OSError:
            return lspawn.EXEC_GETPW
