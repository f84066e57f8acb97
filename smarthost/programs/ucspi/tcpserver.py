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
from smarthost.server import privileges
from smarthost.server.engine import Engine
from smarthost.server.journal import Journal
from smarthost.server.tcpfront import Settings, TcpFront
from smarthost.unix import errtext, fds, sockets

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


def settings_from(given: list[tuple[str, Any]]) -> Settings:
    """The options, as the last of each kind leaves them."""
    settings = Settings()
    for letter, value in given:
        if letter == "U":
            settings.uid = privileges.id_in_environment(b"UID", letter, USAGE, settings.uid)
            settings.gid = privileges.id_in_environment(b"GID", letter, USAGE, settings.gid)
        else:
            name, fixed = MEANING[letter]
            setattr(settings, name, value if fixed is None else fixed)
    return settings


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    given, rest = OPTIONS.parse(arguments)
    settings = settings_from(given)
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
