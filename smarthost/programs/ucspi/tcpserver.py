"""tcpserver: listen for TCP clients, run a program for each

    tcpserver [ -1UXpPhHrRoOdDqQvwW ] [ -c limit ] [ -x rules.cdb ] [ -B banner ] [ -g gid ] [ -u uid ]
              [ -b backlog ] [ -l localname ] [ -t timeout ] host port program [ arg ... ]

Reads   nothing; the program reads the client on its descriptor 0 and writes to it on 1
Writes  with -1 the port number on descriptor 1; with -v a line for each event on descriptor 2
Exits   0 on SIGTERM, 100 for arguments that make no sense, 111 if it cannot serve
Differs bad values are refused with the usage line and 100 where the original takes them as 0;
        the default of -b is 1024 (20 drops clients in a burst of 40);
        a client that is denied without a lookup has the server's own pid in the log;
        a program of this installation is run in a process that may have served an earlier client,
        whose pid it then has (-W turns that off); the local name is looked up once for each address;
        host names come from the hosts file and DNS, without the rewriting of $DNSREWRITEFILE
"""

from __future__ import annotations

import os

from smarthost import ending, launch, options
from smarthost.errors import Permanent, ProgramError, Temporary, UsageError
from smarthost.formats import ip4
from smarthost.policy import ucspi
from smarthost.policy.ucspi import Connection, Names
from smarthost.server import privileges, resolver
from smarthost.server.child import send_banner
from smarthost.server.engine import Engine
from smarthost.server.journal import Journal
from smarthost.server.verdicts import ADMITTED, DENIED, DROPPED, Verdict
from smarthost.store.accessrules import AccessRules
from smarthost.unix import errtext, fds, ident, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence
    from typing import Any, Final

NAME = "tcpserver"
USAGE = (
    "tcpserver [ -1UXpPhHrRoOdDqQv ] [ -c limit ] [ -x rules.cdb ] [ -B banner ] [ -g gid ] [ -u uid ] "
    "[ -b backlog ] [ -l localname ] [ -t timeout ] host port program"
)

# The original's 20 drops clients in a burst of 40, each for a second; the kernel cuts this to its own limit.
BACKLOG: Final = 1024
LIMIT: Final = 40
IDENT_PATIENCE: Final = 26
LAST_PORT: Final = 65535

OPTIONS = options.Chain(
    USAGE,
    "1UXpPhHrRoOdDqQvwW",
    {
        **dict.fromkeys("bct", options.number(2**31 - 1)),
        **dict.fromkeys("gu", options.number(privileges.LAST_ID)),
        **dict.fromkeys("xBl", options.anything),
    },
)


class Settings:
    """The options, as the last of each kind left them."""

    __slots__ = (
        "backlog", "banner", "gid", "ident", "ident_patience", "keep_route", "limit", "localname",
        "lookup", "missing_allows", "no_delay", "paranoid", "rules", "show_port", "uid", "verbosity", "warm",
    )  # fmt: skip

    def __init__(self, given: list[tuple[str, Any]]) -> None:
        self.backlog = BACKLOG
        self.banner = b""
        self.gid = self.uid = 0
        self.ident = self.lookup = self.warm = True
        self.ident_patience = IDENT_PATIENCE
        self.keep_route = self.missing_allows = self.no_delay = self.paranoid = self.show_port = False
        self.limit = LIMIT
        self.localname: bytes | None = None
        self.rules: bytes | None = None
        self.verbosity = 1
        for letter, value in given:
            if letter == "U":
                self.uid = privileges.id_in_environment(b"UID", letter, USAGE, self.uid)
                self.gid = privileges.id_in_environment(b"GID", letter, USAGE, self.gid)
            else:
                name, fixed = MEANING[letter]
                setattr(self, name, value if fixed is None else fixed)


# What each letter sets, and to what; None for the option's own value.
MEANING: Final[dict[str, tuple[str, Any]]] = {
    "1": ("show_port", True),
    "B": ("banner", None),
    "D": ("no_delay", True),
    "H": ("lookup", False),
    "O": ("keep_route", False),
    "P": ("paranoid", False),
    "Q": ("verbosity", 1),
    "R": ("ident", False),
    "W": ("warm", False),
    "X": ("missing_allows", True),
    "b": ("backlog", None),
    "c": ("limit", None),
    "d": ("no_delay", False),
    "g": ("gid", None),
    "h": ("lookup", True),
    "l": ("localname", None),
    "o": ("keep_route", True),
    "p": ("paranoid", True),
    "q": ("verbosity", 0),
    "r": ("ident", True),
    "t": ("ident_patience", None),
    "u": ("uid", None),
    "v": ("verbosity", 2),
    "w": ("warm", True),
    "x": ("rules", None),
}


class TcpFront:
    """TCP clients: who they are, and whether they may come in."""

    pid_variable: bytes | None = None

    def __init__(self, listener: socket, settings: Settings) -> None:
        self._listener = listener
        self._settings = settings
        self._rules = (
            AccessRules(settings.rules, missing_allows=settings.missing_allows) if settings.rules else None
        )
        ip, self._port = listener.getsockname()
        self._ip = None if ip == "0.0.0.0" else ip.encode()  # noqa: S104  compared, not bound
        self._local_names: dict[bytes, bytes | None] = {}
        self._resolver: resolver.Resolver | None = None

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> Connection:
        descriptor, (ip, port) = sockets.accept(self._listener)
        try:
            local_ip = self._ip or sockets.local_address(descriptor)[0].encode()
        except BaseException:
            os.close(descriptor)
            raise
        return Connection(descriptor, ip.encode(), port, local_ip, self._port)

    def restore(self, descriptor: int, facts: tuple[bytes, int, bytes, int]) -> Connection:
        return Connection(descriptor, *facts)

    def judge_early(self, connection: Connection) -> Verdict | None:
        """Without lookups there is nothing to wait for; a banner comes before the verdict, so it waits."""
        settings = self._settings
        if settings.banner:
            return None
        if settings.lookup or settings.ident:
            # The names would be in the log line. Without one, a denial that no name can change is final.
            if settings.verbosity >= 2 or self._rules is None:
                return None
            try:
                if self._rules.names_matter():
                    return None
                denied = self._rules.decide(connection.remote_ip).deny
            except Temporary as error:
                return Verdict(DROPPED, os.fsencode(str(error)))
            return Verdict(DENIED, b"") if denied else None
        if settings.localname is not None:
            return self._verdict(connection, Names(settings.localname))
        if connection.local_ip in self._local_names:
            return self._verdict(connection, Names(self._local_names[connection.local_ip]))
        return None

    def learn(self, news: bytes) -> None:
        """The names of our own addresses, from children that looked them up: "ip name" lines."""
        for line in news.splitlines():
            ip, _, name = line.partition(b" ")
            self._local_names[ip] = name or None

    def greet(self, connection: Connection) -> None:
        settings = self._settings
        if settings.no_delay or not settings.keep_route:
            sockets.set_options(
                connection.descriptor, keep_route=settings.keep_route, no_delay=settings.no_delay
            )
        if settings.banner:
            send_banner(connection.descriptor, settings.banner)

    def judge(self, connection: Connection) -> Verdict:
        """Look up what is to be looked up, then judge."""
        settings = self._settings
        local, news = settings.localname, b""
        if local is None:
            local, news = self._local_name(connection.local_ip)
        names = Names(local)
        if settings.lookup:
            names.remote = self._remote_name(connection.remote_ip)
        if settings.ident:
            names.info = ident.user(
                (connection.remote_ip.decode(), connection.remote_port),
                (connection.local_ip.decode(), connection.local_port),
                settings.ident_patience,
            )
        verdict = self._verdict(connection, names)
        verdict.news = news
        return verdict

    def _verdict(self, connection: Connection, names: Names) -> Verdict:
        environment = ucspi.environment(connection, names)
        if self._rules is not None:
            try:
                decision = self._rules.decide(connection.remote_ip, names.remote, names.info)
            except Temporary as error:
                return Verdict(DROPPED, os.fsencode(str(error)))
            environment += decision.environment
            if decision.deny:
                return Verdict(DENIED, ucspi.ends(connection, names))
        return Verdict(ADMITTED, ucspi.ends(connection, names), environment)

    def _ask(self) -> resolver.Resolver:
        if self._resolver is None:
            self._resolver = resolver.Resolver()
        return self._resolver

    def _local_name(self, ip: bytes) -> tuple[bytes | None, bytes]:
        """The name of one of our addresses, and the news for the server if it was asked for just now."""
        if ip in self._local_names:
            return self._local_names[ip], b""
        try:
            name = self._ask().host_name(ip)
        except resolver.NoAnswer:
            return None, b""
        return name or None, b"%b %b\n" % (ip, name)

    def _remote_name(self, ip: bytes) -> bytes | None:
        """The client's name; if paranoid, only one that leads back to its address."""
        try:
            name = self._ask().host_name(ip)
            if name and self._settings.paranoid:
                addresses = ip4.addresses_in(name)
                if ip not in (self._ask().addresses(name) if addresses is None else addresses):
                    return None
        except resolver.NoAnswer:
            return None
        return name or None


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    given, rest = OPTIONS.parse(arguments)
    settings = Settings(given)
    try:
        return serve(settings, rest)
    except ProgramError as error:
        if settings.verbosity:
            raise
        return error.status


def serve(settings: Settings, rest: list[bytes]) -> int:
    fds.occupy_standard()
    inherited = fds.inherited()
    if len(rest) < 2:
        raise UsageError(USAGE)
    port = port_number(rest[1])
    if len(rest) < 3:
        raise UsageError(USAGE)
    program = rest[2:]
    listener = listen(address(rest[0]), port, settings.backlog)
    own = launch.own(program) if settings.warm else None
    journal = Journal(NAME.encode(), settings.verbosity)
    if not journal.verbose:
        launch.prepare_to_spawn()
    privileges.drop(settings.gid or None, settings.uid or None)
    front = TcpFront(listener, settings)
    if settings.show_port:
        ending.say(f"{listener.getsockname()[1]}\n", ending.STDOUT)
    fds.null(0)
    fds.null(1)
    return Engine(front, journal, program, own, limit=settings.limit, inherited=inherited).serve()


def port_number(text: bytes) -> int:
    if not text:  # as the original reads it
        return 0
    if text.isdigit():
        port = int(text[-20:]) if len(text) > 20 else int(text)
        if port > LAST_PORT:
            raise Permanent(
                f"unable to figure out port number for {os.fsdecode(text)}: more than {LAST_PORT}"
            )
        return port
    named = sockets.service_port(text)
    if named is None:
        raise Temporary(f"unable to figure out port number for {os.fsdecode(text)}")
    return named


def address(host: bytes) -> str:
    """The address to listen on: the first of a name's."""
    if host in (b"", b"0"):
        return "0.0.0.0"  # noqa: S104  that is what 0 means here
    spelled = ip4.addresses_in(host)
    try:
        found = [one.decode() for one in spelled] if spelled is not None else sockets.addresses_of(host)
    except sockets.NameUnknown:
        found = []
    except OSError as error:
        raise Temporary(
            f"temporarily unable to figure out IP address for {os.fsdecode(host)}: {errtext.reason(error)}"
        ) from error
    if not found:
        raise Temporary(f"no IP address for {os.fsdecode(host)}")
    return found[0]


def listen(ip: str, port: int, backlog: int) -> socket:
    try:
        return sockets.listener(ip, port, backlog)
    except OSError as error:
        raise Temporary(f"unable to {error.strerror}: {errtext.reason(error)}") from error
