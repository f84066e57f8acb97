"""qmail-lspawn: make local deliveries, each by a qmail-local of its own, as the user in charge of the address.

    qmail-lspawn defaultdelivery

Reads   commands on descriptor 0 (formats/spawn.py says what they are), messages in queue/mess of the home;
        users/cdb, else what bin/qmail-getpw says, about each address
Writes  a byte, then reports, on descriptor 1
Starts  bin/qmail-local of the home, with the message on 0 and its words on 1 and 2; one of this
        installation's own runs in a fork of this process, which has it loaded
Exits   0 when descriptor 0 has ended and no delivery runs any more; 100 no argument, 111 no home or queue
Differs the home is not compiled in: QMAILHOME, else where this program lies, else /var/qmail;
        who may own a message is whoever owns queue/mess, not the account qmailq; without the account
        qmailp or the group nofiles qmail-getpw cannot be run; where it is not root it changes no identity,
        and a delivery to another user ends as if that had failed; an output is cut at the same place
        whatever pieces it came in; deliveries do not inherit a blocked SIGCHLD; an id that no user can have
        is an "Internal qmail-lspawn bug", not another id
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import FormatError, Temporary
from smarthost.formats import assign
from smarthost.policy import lspawn
from smarthost.server import spawner
from smarthost.store.home import program, qmail_home
from smarthost.store.users import Users
from smarthost.unix import errtext, fds, identity, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, NoReturn

NAME: Final = "qmail-lspawn"

MESS: Final = b"queue/mess"

LOCAL: Final = b"qmail-local"
GETPW: Final = b"qmail-getpw"
GETPW_ACCOUNT: Final = b"qmailp"
GETPW_GROUP: Final = b"nofiles"

# Six fields; names of files are at most 4096 bytes.
ANSWER_LIMIT: Final = 65536


class _Failed(Exception):
    """Exit with this status, which says what went wrong."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status: Final = status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    if not arguments:
        return 100
    fds.occupy_standard()
    home = os.path.abspath(qmail_home())
    try:
        os.chdir(home + b"/" + MESS)
    except OSError as error:
        raise Temporary(
            f"unable to switch to {os.fsdecode(home)}/queue/mess: {errtext.reason(error)}"
        ) from error
    deliveries = Deliveries(home, arguments[0])
    return spawner.Spawner(deliveries.start, lspawn.report, lspawn.LONGEST).serve()


class _Helper:
    """A program of the home that deliveries run."""

    def __init__(self, name: bytes, home: bytes) -> None:
        self._file = program(name, home)
        self._name = b"bin/" + name
        self._own = launch.own([self._file])

    def prepare(self) -> Callable[[Sequence[bytes]], int]:
        """What runs it, in this very process: to be asked for where the file can be looked at."""
        own = self._own
        if own is None or not own.is_current():
            return self._become

        def run(arguments: Sequence[bytes]) -> int:
            own.settle()
            return own.run_with(arguments)

        return run

    def _become(self, arguments: Sequence[bytes]) -> NoReturn:
        """Raises OSError."""
        for signum in signals.IGNORED_BY_PYTHON:
            if signum != signals.SIGPIPE:  # which the original leaves ignored
                signals.uncatch(signum)
        os.execv(self._file, [self._name, *arguments])


class Deliveries:
    """How a delivery is started."""

    def __init__(self, home: bytes, default: bytes) -> None:
        self._home = home
        self._default = default
        self._users = Users(home)
        self._local = _Helper(LOCAL, home)
        self._getpw = _Helper(GETPW, home)
        self._is_root = os.geteuid() == 0
        # Asked for now: what finds accounts is loaded then, and every delivery's process has it.
        account = identity.of_account(GETPW_ACCOUNT)
        group = identity.of_group(GETPW_GROUP)
        self._getpw_identity = None
        if account is not None and group is not None:
            self._getpw_identity = identity.Identity(account.uid, group)

    def start(self, message: int, output: int, sender: bytes, recipient: bytes) -> int:
        """For the spawner. Raises OSError."""
        local, _, host = recipient.rpartition(b"@")
        status = 0
        try:
            data = self._users.find(local)
        except (OSError, FormatError):
            data, status = None, lspawn.CDB
        run_local, run_getpw = self._local.prepare(), self._getpw.prepare()

        def delivery() -> int:
            if not local:
                return 0
            if status:
                return status
            try:
                os.chdir(self._home)
                fields = self._ask(local, run_getpw) if data is None else data
                assigned = assign.assignment(fields)
                self._become_user(assigned)
            except _Failed as failed:
                return failed.status
            except (OSError, FormatError):
                return lspawn.USAGE
            except MemoryError:
                return lspawn.NO_MEMORY
            where = (assigned.user, assigned.home, local, assigned.dash, assigned.ext, host)
            try:
                return run_local([b"--", *where, sender, self._default])
            except OSError as error:
                return lspawn.EXEC_SOFT if errtext.is_temporary(error) else lspawn.EXEC_HARD

        return spawner.fork(message, output, delivery)

    def _become_user(self, assigned: assign.Assignment) -> None:
        """Raises OSError, or _Failed."""
        if self._is_root:
            identity.assume(identity.Identity(assigned.uid, assigned.gid))
        elif assigned.uid != os.getuid() or assigned.gid not in (os.getgid(), *os.getgroups()):
            raise _Failed(lspawn.USAGE)
        if os.getuid() == 0:
            raise _Failed(lspawn.ROOT)

    def _ask(self, local: bytes, run_getpw: Callable[[Sequence[bytes]], int]) -> bytes:
        """What qmail-getpw says. It runs apart, without rights: it asks services that others may answer."""
        if self._is_root and self._getpw_identity is None:
            raise _Failed(lspawn.EXEC_GETPW)
        try:
            reading, writing = os.pipe()
            try:
                child = process.fork_child(lambda: self._answer(local, run_getpw, reading, writing))
            finally:
                os.close(writing)
            answer = b""
            while len(answer) <= ANSWER_LIMIT and (block := os.read(reading, ANSWER_LIMIT)):
                answer += block
            os.close(reading)
            ended = process.wait(child)
        except OSError as error:
            raise _Failed(lspawn.SYSTEM) from error
        if ended < 0 or len(answer) > ANSWER_LIMIT:
            raise _Failed(lspawn.SYSTEM)
        if ended:
            raise _Failed(ended)
        return answer

    def _answer(
        self, local: bytes, run_getpw: Callable[[Sequence[bytes]], int], reading: int, writing: int
    ) -> int:
        """In qmail-getpw's process."""
        if self._is_root and self._getpw_identity is not None:
            try:
                identity.assume(self._getpw_identity)
            except OSError:
                return lspawn.USAGE
        os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)
        try:
            return run_getpw([local])
        except OSError:
            return lspawn.EXEC_GETPW
