"""qmail-remote: send a message to another host by SMTP

    qmail-remote host sender recip [ recip ... ]

Reads   the message on descriptor 0; control/helohost, me, smtproutes, remotes, outgoingip, timeoutconnect,
        timeoutremote, sendtimeout, tlshosts/, notlshosts/, clientcert.pem, tlsclientciphers; DNS;
        queue/lock/tcpto
Writes  on descriptor 1 a report on each recipient (r accepted, h refused, s try later) and one on the message
        (K accepted, Z try later, D refused), each ended by a zero byte
Exits   0
Differs control/remotes, TLS, IPv6, EHLO with SIZE, 8BITMIME, SMTPUTF8 and PIPELINING, control/outgoingip;
        a server that breaks off or says no before it heard of the message is passed over for the next (the
        original defers); only 2xx accepts and only 5xx refuses, 354 asks for the message, what is no reply
        defers (the original takes each number from 400 on for a no, letters included, each below for a yes);
        of a reply's lines the greatest number counts; a reply may take timeoutremote in all; after the dot
        of a lone CR's line comes another (the original ends the message there); a refusal that comes while
        the message is sent is understood; an address with CR or LF, or with bytes above 127 before its @ and
        no SMTPUTF8, is refused without asking the server; DNS that fails in any way defers, and only "no such
        name" and "nothing of this kind" refuse
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.errors import FormatError
from smarthost.formats import mailbox, remotes, smtproutes
from smarthost.policy import remotereport as r
from smarthost.policy import smtpclient
from smarthost.policy.remotereport import NothingToTry, Outcome
from smarthost.policy.smtpclient import Session, Terms
from smarthost.server import exchangers
from smarthost.store import smtpclient as client
from smarthost.store.controls import Controls
from smarthost.store.home import qmail_home
from smarthost.store.outgoing import Message, Unreadable
from smarthost.store.tcpto import Table
from smarthost.store.tlshosts import TlsHosts
from smarthost.unix import connect, errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence
    from typing import Final

    from smarthost.formats.remotes import Remote
    from smarthost.policy.mailexchanger import Place

NAME = "qmail-remote"
REENTRANT: Final = True
LATE: Final = ("smarthost.store.remotes", "smarthost.unix.tls")

MESSAGE: Final = 0
REPORTS: Final = 1

CONNECT_SECONDS: Final = 60
TRANSFER_SECONDS: Final = 1200
DAY: Final = 24 * 60 * 60


class _Settings:
    """What the control files say."""

    def __init__(self, home: bytes) -> None:
        """Raises NothingToTry."""
        self.controls = controls = Controls(home)
        try:
            helo = controls.line(b"helohost", or_me=True)
            self.connect_seconds = _seconds(controls.number(b"timeoutconnect"), CONNECT_SECONDS)
            self.transfer_seconds = _seconds(controls.number(b"timeoutremote"), TRANSFER_SECONDS)
            self.routes = controls.lines(b"smtproutes") or []
            self.sources = _sources(controls.lines(b"outgoingip") or [])
            self.remotes = _remotes(controls)
        except OSError as error:
            raise NothingToTry(r.NO_CONTROLS) from error
        if helo is None:
            raise NothingToTry(r.NO_CONTROLS)
        self.helo = helo


def _seconds(number: int | None, default: int) -> int:
    return default if number is None else min(max(number, 1), DAY)


def _sources(lines: Sequence[bytes]) -> dict[int, bytes]:
    """The address to come from, for each family; nothing for 0.0.0.0, which leaves it to the kernel."""
    sources: dict[int, bytes] = {}
    for line in lines:
        try:
            family, _ = connect.numeric(line, 0)
            if any(connect.packed(line)):
                sources.setdefault(family, line)
        except OSError as error:
            text = b"ZUnable to read control/outgoingip: not an address. (#4.3.5)\n"
            raise NothingToTry(text) from error
    return sources


def _remotes(controls: Controls) -> list[Remote]:
    """The servers that all mail goes to; none if it goes where DNS says.

    A file that names none, such as one that is being written, does not send mail elsewhere: it defers.
    """
    try:
        content = controls.content(b"remotes")
        return [] if content is None else remotes.servers(content)
    except OSError as error:
        reason, code = errtext.reason(error), "#4.3.0"
    except FormatError as error:
        reason, code = str(error), "#4.3.5"
    raise NothingToTry(f"ZUnable to read control/remotes: {reason}. ({code})\n".encode())


def _written(address: bytes) -> bytes:
    """The address as SMTP writes it. One without a host stays as it is."""
    return mailbox.quoted(address) if b"@" in address else address


def _to_places(
    places: Sequence[Place], port: int, letter: tuple[bytes, list[bytes]], settings: _Settings, table: Table
) -> Outcome:
    """Try the addresses until a server has heard of the message."""
    message = Message(MESSAGE)
    try:
        return _try_each(places, port, _Delivery(letter, message, settings), table)
    finally:
        message.close()


def _try_each(places: Sequence[Place], port: int, delivery: _Delivery, table: Table) -> Outcome:
    outcome = Outcome(r.NO_CONNECTION)
    for place in places:
        packed = connect.packed(place.address)
        if table.passes_over(packed, int(time.time()), os.getpid()):
            continue
        try:
            connection = delivery.connect(place, port)
        except TimeoutError:
            table.timed_out(packed, int(time.time()))
            continue
        except OSError:
            table.answered(packed)
            continue
        table.answered(packed)
        outcome = delivery.make(connection, place, port)
        if not outcome.elsewhere or not outcome.message.startswith(r.DEFERRED):
            break
    return outcome


class _Delivery:
    """One message, to whichever server takes it."""

    def __init__(self, letter: tuple[bytes, list[bytes]], message: Message, settings: _Settings) -> None:
        self._sender, self._recipients = letter
        self._message = message
        self._settings = settings
        self._tls_hosts = TlsHosts(settings.controls.directory)

    def connect(self, place: Place, port: int) -> socket:
        """Raises TimeoutError, or OSError."""
        address = connect.numeric(place.address, port)
        sources = self._settings.sources
        if sources and address[0] not in sources:
            raise OSError  # with an address of its own choice this host is not to be seen
        return connect.connect(address, self._settings.connect_seconds, sources.get(address[0], b""))

    def make(self, connection: socket, place: Place, port: int) -> Outcome:
        """What came of it; where TLS would be nice and fails, of another connection without."""
        starttls = self._tls_hosts.wanted(place.name)
        session = self._session(place, starttls)
        try:
            outcome = self._converse(connection, session, place, starttls)
        except client.HandshakeFailed as error:
            if starttls == smtpclient.REQUIRED:
                return session.no_tls(os.fsencode(str(error)))
        else:
            # TLS 1.3 tells what is wrong with a handshake when it seems to be over.
            if starttls == smtpclient.REQUIRED or not (session.secured and outcome.elsewhere):
                return outcome
        session = self._session(place, smtpclient.NEVER)
        try:
            connection = self.connect(place, port)
        except OSError:
            return session.died(critical=False)
        return self._converse(connection, session, place, smtpclient.NEVER)

    def _session(self, place: Place, starttls: int) -> Session:
        return Session(place.address, self._sender, self._recipients, Terms(self._settings.helo, starttls))

    def _converse(self, connection: socket, session: Session, place: Place, starttls: int) -> Outcome:
        def secure(plain: socket) -> socket:
            return self._tls_hosts.start(plain, place.name, required=starttls == smtpclient.REQUIRED)

        limits = client.Limits(self._settings.transfer_seconds)
        return client.converse(connection, session, self._message, secure, limits)


def _to_remotes(sender: bytes, recipients: Sequence[bytes], settings: _Settings) -> Outcome:
    from smarthost.store import remotes as servers  # noqa: PLC0415

    number = settings.controls.number(b"sendtimeout")
    times = servers.Settings(
        settings.helo,
        settings.connect_seconds,
        settings.transfer_seconds,
        servers.SENDTIMEOUT if number is None else number,
    )
    message = Message(MESSAGE)
    try:
        written = [(each, _written(each)) for each in recipients]
        letter = servers.Letter(message, (sender, _written(sender)), written)
        return servers.deliver(settings.remotes, letter, times)
    finally:
        message.close()


def _remote(arguments: list[bytes]) -> Outcome:
    if len(arguments) < 3:
        return Outcome(r.MISUSED)
    host, sender, *recipients = arguments
    home = qmail_home()
    if not os.path.isdir(home):
        return Outcome(r.NO_HOME)
    settings = _Settings(home)
    if settings.remotes:
        return _to_remotes(sender, recipients, settings)
    route = smtproutes.find(settings.routes, host)
    places = exchangers.of_host(host) if route is None else exchangers.of_relay(route[0])
    port = smtproutes.PORT if route is None else route[1]
    letter = _written(sender), [_written(recipient) for recipient in recipients]
    return _to_places(places, port, letter, settings, Table(home))


def body(arguments: list[bytes]) -> int:
    try:
        outcome = _remote(arguments)
    except NothingToTry as reason:
        outcome = Outcome(reason.report)
    except Unreadable:
        outcome = Outcome(r.UNREADABLE)
    except MemoryError:
        outcome = Outcome(r.OUT_OF_MEMORY)
    except OSError:
        outcome = Outcome(r.NO_RESOURCES)
    try:
        files.write_all(REPORTS, outcome.output())
    except OSError:
        pass  # nobody wants to know
    return 0


def prepare() -> None:
    """Load what a delivery may load late: for who makes many, in processes that begin with all that is loaded.

    A process that loads ssl itself needs thirty milliseconds; one that is forked with it, half of one.
    """
    if not _plain_only():
        import ssl  # noqa: F401, PLC0415


def _plain_only() -> bool:
    """Whether control/remotes leads to servers without TLS alone."""
    try:
        servers = _Settings(qmail_home()).remotes
    except NothingToTry:
        return False
    return bool(servers) and not any(server.secured or server.host.startswith(b"tls:") for server in servers)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
