"""unixserver: listen on a UNIX-domain socket, run a program for each client

    unixserver [ -qQvdDUOXwW ] [ -c limit ] [ -b backlog ] [ -B banner ] [ -x rules.cdb ] [ -u uid ] [ -g gid ]
               [ -o owner ] [ -r group ] [ -p mode ] [ -m mask ] socket program [ arg ... ]

Reads   nothing; the program reads the client on its descriptor 0 and writes to it on 1
Writes  socket, removed at the end; with -v a line for each event on descriptor 1, at once; what goes
        wrong on descriptor 2
Exits   0 on SIGTERM, SIGINT or SIGQUIT, 100 for arguments that make no sense, 111 if it cannot serve
Differs options end at the first argument that is none (the original's getopt takes the program's);
        -d and -D, which it documents, its release 1.0 refuses (Debian's takes them);
        values are whole numbers, and -c is not 0 (then the original exits at once); failures have
        this family's words and exit with 100 or 111, not with 1 and, for a program that cannot be
        run, 255; -q silences them too, as its manual says; a file that is no socket is not removed
        to make place, nor another server's socket at the end; root's -g leaves no further groups;
        the program has SIGHUP, SIGPIPE and SIGALRM as they were before, not
        ignored, and no third descriptor; the log has ok and deny lines, and is not held back until
        a buffer is full; -x, -X, -w and -W are this unixserver's own; a warm program
        has the pid of a process that may have served an earlier client
"""

from __future__ import annotations

import os

from smarthost import ending, launch, options
from smarthost.errors import ProgramError, Temporary, UsageError
from smarthost.policy import ucspiunix
from smarthost.policy.ucspiunix import Connection
from smarthost.server import privileges
from smarthost.server.child import send_banner
from smarthost.server.engine import Engine
from smarthost.server.journal import Journal
from smarthost.server.termination import Terminated, shrug, terminate
from smarthost.server.verdicts import ADMITTED, DENIED, DROPPED, Verdict
from smarthost.store.accessrules import access_rules
from smarthost.unix import errtext, fds, pathsockets, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence
    from typing import Any, Final

NAME = "unixserver"
USAGE = (
    "unixserver [ -qQvdDUOXwW ] [ -c limit ] [ -b backlog ] [ -B banner ] [ -x rules.cdb ] [ -u uid ] [ -g gid ] "
    "[ -o owner ] [ -r group ] [ -p mode ] [ -m mask ] socket program"
)

BACKLOG: Final = 128
LIMIT: Final = 10
LARGEST_INT: Final = 2**31 - 1
# Set-id and sticky bits and permissions: what a mode can be.
LAST_MODE: Final = 0o7777

# Signals that the original takes besides SIGTERM, and what they do.
TAKEN: Final = (
    (signals.SIGINT, terminate),
    (signals.SIGQUIT, terminate),
    (signals.SIGHUP, shrug),
    (signals.SIGALRM, shrug),
)


def _octal(value: bytes) -> int:
    if not value or value.strip(b"01234567"):
        raise ValueError("not an octal number")
    if len(value) > options.DIGITS_LIMIT or int(value, 8) > LAST_MODE:
        raise ValueError(f"more than {LAST_MODE:o}")
    return int(value, 8)


def _limit(value: bytes) -> int:
    limit: int = options.number(LARGEST_INT)(value)
    if not limit:
        raise ValueError("nobody could be served")
    return limit


OPTIONS = options.Chain(
    USAGE,
    "qQvdDUOXwW",
    {
        "c": _limit,
        "b": options.number(LARGEST_INT),
        **dict.fromkeys("pm", _octal),
        **dict.fromkeys("ugor", options.number(privileges.LAST_ID)),
        **dict.fromkeys("xB", options.anything),
    },
)


class Settings:
    """The options, as the last of each kind left them. An id that is None is left as it is."""

    __slots__ = (
        "backlog", "banner", "delete", "gid", "group", "limit", "mask", "missing_allows", "mode",
        "owner", "rules", "uid", "verbosity", "warm",
    )  # fmt: skip

    def __init__(self, given: list[tuple[str, Any]]) -> None:
        self.backlog = BACKLOG
        self.banner = b""
        self.delete = self.warm = True
        self.gid: int | None = None
        self.uid: int | None = None
        self.group: int | None = None
        self.owner: int | None = None
        self.limit = LIMIT
        self.mask = self.mode = 0
        self.missing_allows = False
        self.rules: bytes | None = None
        self.verbosity = 1
        for letter, value in given:
            if letter == "U":
                self.uid, self.gid = _ids(letter, b"UID", b"GID")
            elif letter == "O":
                self.owner, self.group = _ids(letter, b"SOCKET_UID", b"SOCKET_GID")
            elif letter == "Q":  # takes back -q, but not -v
                self.verbosity = max(self.verbosity, 1)
            else:
                name, fixed = MEANING[letter]
                setattr(self, name, value if fixed is None else fixed)


# What each letter sets, and to what; None for the option's own value.
MEANING: Final[dict[str, tuple[str, Any]]] = {
    "B": ("banner", None),
    "D": ("delete", True),
    "W": ("warm", False),
    "X": ("missing_allows", True),
    "b": ("backlog", None),
    "c": ("limit", None),
    "d": ("delete", False),
    "g": ("gid", None),
    "m": ("mask", None),
    "o": ("owner", None),
    "p": ("mode", None),
    "q": ("verbosity", 0),
    "r": ("group", None),
    "u": ("uid", None),
    "v": ("verbosity", 2),
    "w": ("warm", True),
    "x": ("rules", None),
}


def _ids(option: str, *names: bytes) -> list[int]:
    for name in names:
        if name not in os.environb:
            raise UsageError(USAGE, f"option -{option}: ${name.decode()} is not set")
    return [privileges.id_in_environment(name, option, USAGE, 0) for name in names]


class UnixFront:
    """Clients on this host, which the kernel vouches for: nothing about them needs to be looked up."""

    pid_variable: bytes | None = ucspiunix.LOCAL_PID

    def __init__(self, listener: socket, path: bytes, settings: Settings) -> None:
        self._listener = listener
        self._path = path
        self._banner = settings.banner
        self._rules = access_rules(settings.rules, missing_allows=settings.missing_allows)
        self._ids = os.getuid(), os.getgid()

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> Connection:
        descriptor = pathsockets.accept(self._listener)
        try:
            return Connection(descriptor, *pathsockets.peer(descriptor))
        except BaseException:
            os.close(descriptor)
            raise

    def restore(self, descriptor: int, facts: tuple[int, int, int]) -> Connection:
        return Connection(descriptor, *facts)  # who judges early needs no rules there

    def judge_early(self, connection: Connection) -> Verdict:
        described = ucspiunix.ends(connection, self._path)
        environment = ucspiunix.environment(connection, self._path, *self._ids)
        if self._rules is not None:
            try:
                decision = self._rules.decide_user(connection.uid, connection.gid)
            except Temporary as error:
                return Verdict(DROPPED, os.fsencode(str(error)))
            if decision.deny:
                return Verdict(DENIED, described)
            environment += decision.environment
        return Verdict(ADMITTED, described, environment)

    judge = judge_early

    def learn(self, news: bytes) -> None:
        """There is none: children have nothing to find out."""

    def greet(self, connection: Connection) -> None:
        if self._banner:
            send_banner(connection.descriptor, self._banner)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    given, rest = OPTIONS.parse(arguments)
    settings = Settings(given)
    if len(rest) < 2:
        raise UsageError(USAGE)
    try:
        return serve(settings, rest[0], rest[1:])
    except ProgramError as error:
        if settings.verbosity:
            raise
        return error.status


def serve(settings: Settings, path: bytes, program: list[bytes]) -> int:
    fds.occupy_standard()
    inherited = fds.inherited()
    # From before the socket is there: who ends this server then must not leave it behind.
    signals.catch(signals.SIGTERM, terminate)
    before = tuple((signum, signals.exchange(signum, handler)) for signum, handler in TAKEN)
    made = None
    try:
        listener = listen(path, settings)
        made = pathsockets.identity(path)
        own = launch.own(program) if settings.warm else None
        privileges.drop(_not_yet(settings.gid, os.getgid()), _not_yet(settings.uid, os.getuid()))
        journal = Journal(NAME.encode(), settings.verbosity, ending.STDOUT)
        front = UnixFront(listener, path, settings)
        fds.null(0)
        return Engine(
            front,
            journal,
            program,
            own,
            limit=settings.limit,
            inherited=inherited,
            before=before,
        ).serve()
    except Terminated:
        return 0
    finally:
        for signum in (signals.SIGTERM, signals.SIGINT, signals.SIGQUIT):
            signals.ignore(signum)
        if settings.delete and made is not None:
            pathsockets.remove(path, made)


def _not_yet(wanted: int | None, now: int) -> int | None:
    """Who is not root may ask for the identity that it has, but not set it."""
    return None if wanted == now and os.geteuid() else wanted


def listen(path: bytes, settings: Settings) -> socket:
    owner, group = (-1 if number is None else number for number in (settings.owner, settings.group))
    place = pathsockets.Place(path, settings.mask, settings.mode, owner, group)
    try:
        return pathsockets.listener(place, settings.backlog)
    except OSError as error:
        raise Temporary(f"unable to {error.strerror}: {errtext.reason(error)}") from error
