"""The TCP side of a server: who the clients are, what is found out about them, and whether they come in."""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.formats import ip4
from smarthost.policy import ucspi
from smarthost.policy.ucspi import Connection, Names
from smarthost.server import resolver
from smarthost.server.child import send_banner
from smarthost.server.verdicts import ADMITTED, DENIED, DROPPED, Verdict
from smarthost.store.accessrules import access_rules
from smarthost.unix import ident, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Final

# The original's 20 drops clients in a burst of 40, each for a second; the kernel cuts this to its own limit.
BACKLOG: Final = 1024
LIMIT: Final = 40
IDENT_PATIENCE: Final = 26


class Settings:
    """What a TCP server is told to do, and what it does where it is not told."""

    __slots__ = (
        "backlog", "banner", "gid", "ident", "ident_patience", "keep_route", "limit", "localname",
        "lookup", "missing_allows", "no_delay", "paranoid", "rules", "show_port", "uid", "verbosity", "warm",
    )  # fmt: skip

    def __init__(self) -> None:
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


class TcpFront:
    """TCP clients: who they are, and whether they may come in."""

    pid_variable: bytes | None = None

    def __init__(self, listener: socket, settings: Settings) -> None:
        self._listener = listener
        self._settings = settings
        self._rules = access_rules(settings.rules, missing_allows=settings.missing_allows)
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
        if self._rules is not None:
            self._rules = self._rules.anew()
        self._resolver = None
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
            self.learn(news)
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
