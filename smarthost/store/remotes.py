"""How is a message given to the servers of control/remotes? To one after the other, until each recipient's fate
is known.

A server that cannot be reached, or says no for now, is passed over; what it accepts or refuses for good is
final, and only the other recipients go on to the next. A server that may have the message although it did not
say so is passed over once; if the next one leaves the same doubt, none follows (policy/failover.py).
"""

from __future__ import annotations

import os
import time

from smarthost.errors import FormatError
from smarthost.formats import netstring, qmqpreply, qmqpserver, remotes
from smarthost.policy import failover, remotereport, smtpclient
from smarthost.policy.failover import Failure
from smarthost.policy.remotereport import Outcome
from smarthost.policy.smtpclient import Session, Terms
from smarthost.store import qmqpclient
from smarthost.store import smtpclient as client
from smarthost.store.outgoing import Unreadable
from smarthost.unix import connect, errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterator, Sequence
    from ssl import SSLContext
    from typing import Final

    from smarthost.formats.remotes import Remote
    from smarthost.store.outgoing import Message

    # One recipient: as the queue knows it, and as SMTP writes it.
    Recipient = tuple[bytes, bytes]

# What nullmailer allows for a message.
SENDTIMEOUT: Final = 60 * 60


class Settings:
    """Our name, and how many seconds connecting, each reply, and a whole message may take."""

    __slots__ = ("connect_seconds", "helo", "send_seconds", "transfer_seconds")

    def __init__(self, helo: bytes, connect_seconds: int, transfer_seconds: int, send_seconds: int) -> None:
        self.helo = helo
        self.connect_seconds = connect_seconds
        self.transfer_seconds = transfer_seconds
        self.send_seconds = send_seconds


class Letter:
    """A message and its envelope. `sender` and recipients are each known in both ways."""

    __slots__ = ("message", "recipients", "sender")

    def __init__(self, message: Message, sender: Recipient, recipients: Sequence[Recipient]) -> None:
        self.message = message
        self.sender = sender
        self.recipients = recipients


class _Fates:
    """What is known of each recipient.

    reports  what a server said of this recipient: refused, or not now
    refused  the message was refused for good
    """

    def __init__(self, count: int) -> None:
        self._reports: list[bytes | None] = [None] * count
        self._refused = [False] * count
        self._accepted = b""
        self._failed: list[bytes] = []
        self._rejected = b""

    def open(self) -> list[int]:
        """Those that another server may be asked about."""
        return [
            number
            for number, report in enumerate(self._reports)
            if not self._refused[number] and (report is None or report.startswith(remotereport.LATER))
        ]

    def learn(self, asked: Sequence[int], outcome: Outcome) -> None:
        letter = outcome.message[:1]
        if letter == remotereport.ACCEPTED:
            self._accepted = self._accepted or outcome.message
        else:
            self._failed.append(outcome.message[1:])
        for place, number in enumerate(asked):
            report = outcome.recipients[place] if place < len(outcome.recipients) else remotereport.TAKEN
            if report != remotereport.TAKEN:
                before = self._reports[number] or b""
                self._reports[number] = report[:1] + before[1:] + report[1:]
            elif letter == remotereport.ACCEPTED:
                self._reports[number] = remotereport.TAKEN
            elif letter == remotereport.REJECTED:
                self._refused[number] = True
                self._rejected = outcome.message

    def outcome(self) -> Outcome:
        if not any(self._reports):
            letter = remotereport.REJECTED if all(self._refused) else remotereport.DEFERRED
            return Outcome(letter + b"".join(self._failed))
        reports = [report or self._report(number) for number, report in enumerate(self._reports)]
        return Outcome(self._accepted or remotereport.REJECTED + b"".join(self._failed), reports)

    def _report(self, number: int) -> bytes:
        """On a recipient of whom no server said anything."""
        if self._refused[number]:
            return remotereport.REFUSED + self._rejected[1:]
        return remotereport.LATER + b"".join(self._failed)


def deliver(servers: Sequence[Remote], letter: Letter, settings: Settings) -> Outcome:
    """Try the servers in order. Raises Unreadable."""
    fates = _Fates(len(letter.recipients))
    failures: list[Failure] = []
    for server in servers:
        asked = fates.open()
        rest = Letter(letter.message, letter.sender, [letter.recipients[number] for number in asked])
        outcome = (
            _by_qmqp(server, rest, settings)
            if server.protocol == remotes.QMQP
            else _by_smtp(server, rest, settings)
        )
        fates.learn(asked, outcome)
        failures.append(Failure(0, in_doubt=outcome.in_doubt))
        if not fates.open() or not failover.may_go_on(failures):
            break
    return fates.outcome()


def _failure(server: Remote, reason: str) -> Outcome:
    text = f"{os.fsdecode(server.host)}: {reason}. (#4.4.1)\n"
    return Outcome(remotereport.DEFERRED + os.fsencode(text), elsewhere=True)


def _by_smtp(server: Remote, letter: Letter, settings: Settings) -> Outcome:
    try:
        context = _context(server) if server.secured else None
    except OSError as error:
        return _failure(server, f"unable to set up TLS: {errtext.reason(error)}")
    try:
        places = list(_places(connect.addresses(_host(server), server.port, lookup=True), server))
    except OSError as error:
        return _failure(server, f"unable to find it: {errtext.reason(error)}")
    outcome = _failure(server, "there is no way to it from the source address")
    for address, source in places:
        try:
            connection = connect.connect(address, settings.connect_seconds, source)
        except OSError as error:
            outcome = _failure(server, f"unable to connect: {errtext.reason(error)}")
            continue
        outcome = _converse(connection, address, (server, context), letter, settings)
        if not outcome.elsewhere:
            break
    return outcome


def _host(server: Remote) -> bytes:
    """An IPv6 address may stand in brackets."""
    return server.host[1:-1] if server.host.startswith(b"[") and server.host.endswith(b"]") else server.host


def _places(addresses: Sequence[connect.Address], server: Remote) -> Iterator[tuple[connect.Address, bytes]]:
    """Where to connect to, each with where to come from. Raises OSError."""
    if not server.source:
        for address in addresses:
            yield address, b""
        return
    sources = {
        family: os.fsencode(where[0])
        for family, where in reversed(connect.addresses(server.source, 0, lookup=True))
    }
    for address in addresses:
        if address[0] in sources:
            yield address, sources[address[0]]


def _converse(
    connection: socket,
    address: connect.Address,
    how: tuple[Remote, SSLContext | None],
    letter: Letter,
    settings: Settings,
) -> Outcome:
    server, context = how

    def secure(plain: socket) -> socket:
        from smarthost.unix import tls  # noqa: PLC0415

        assert context is not None
        return tls.start(context, plain, _host(server))

    recipients = [written for _, written in letter.recipients]
    session = Session(os.fsencode(address[1][0]), letter.sender[1], recipients, _terms(server, settings))
    deadline = time.monotonic() + settings.send_seconds if settings.send_seconds else float("inf")
    try:
        if server.tls:
            connection.settimeout(settings.connect_seconds)
            try:
                connection = secure(connection)
            except OSError as error:
                connection.close()
                raise client.HandshakeFailed(errtext.reason(error)) from error
        limits = client.Limits(settings.transfer_seconds, deadline)
        return client.converse(connection, session, letter.message, secure, limits, complete=True)
    except client.HandshakeFailed as error:
        return session.no_tls(os.fsencode(str(error)))


def _terms(server: Remote, settings: Settings) -> Terms:
    starttls = smtpclient.REQUIRED if server.starttls else smtpclient.NEVER
    if server.auth == remotes.EXTERNAL:
        return Terms(settings.helo, starttls, server.auth)
    if server.user is None or server.password is None:
        return Terms(settings.helo, starttls)
    return Terms(settings.helo, starttls, server.auth, server.user, server.password)


def _context(server: Remote) -> SSLContext:
    """How the server is checked, unless it is not to be. Raises OSError."""
    from smarthost.unix import tls  # noqa: PLC0415

    if server.insecure:
        context = tls.open_context(anonymous=server.anonymous)
    else:
        context = tls.client_context(server.authorities or None, None, check_name=True, der=server.der)
    revoked = b"" if server.insecure else server.revoked
    tls.add_files(context, certificate=server.certificate, key=server.key, revoked=revoked, der=server.der)
    return context


class _QmqpSettings:
    def __init__(self, server: Remote, settings: Settings) -> None:
        self.connect_seconds = settings.connect_seconds
        self.transfer_seconds = settings.transfer_seconds
        self._server = server

    def tls(self) -> SSLContext:
        return _context(self._server)


def _by_qmqp(server: Remote, letter: Letter, settings: Settings) -> Outcome:
    try:
        target = qmqpserver.parse(server.host)
    except FormatError as error:
        return _failure(server, str(error))
    target.tls = target.tls or server.tls
    target.port = server.port or target.port
    outcome = _failure(server, "there is no way to it from the source address")
    try:
        for address, source in _places(qmqpclient.find(target), server):
            try:
                request = _request(letter)
                reply = qmqpclient.ask(target, address, request, _QmqpSettings(server, settings), source)
            except qmqpclient.NoAnswer as error:
                outcome = _failure(server, str(error))
                outcome.in_doubt = error.failure.in_doubt
                if outcome.in_doubt:
                    break
                continue
            return _qmqp_outcome(server, reply, len(letter.recipients))
    except (OSError, qmqpclient.NoAnswer) as error:
        reason = errtext.reason(error) if isinstance(error, OSError) else str(error)
        return _failure(server, reason)
    return outcome


_QMQP_WORDS: Final = {
    qmqpreply.ACCEPTED: b" accepted message",
    qmqpreply.DEFERRED: b" deferred the message",
    qmqpreply.REJECTED: b" rejected the message",
}


def _qmqp_outcome(server: Remote, reply: qmqpreply.ReplyReader, recipients: int) -> Outcome:
    said = qmqpreply.printable(reply.text)
    text = (
        server.host
        + _QMQP_WORDS[reply.letter]
        + b".\n"
        + (b"Remote host said: " + said + b"\n" if said else b"")
    )
    accepted = reply.letter == qmqpreply.ACCEPTED
    return Outcome(reply.letter + text, [remotereport.TAKEN] * recipients if accepted else ())


def _request(letter: Letter) -> Iterator[bytes]:
    """The bytes that a QMQP server is sent."""
    size = letter.message.size()
    inner = b"%d:" % size
    addresses = [letter.sender[0], *[known for known, _ in letter.recipients]]
    tail = b"," + b"".join([netstring.encode(address) for address in addresses])
    head = b"%d:" % (len(inner) + size + len(tail)) + inner
    sent = 0
    for block in letter.message.blocks():
        sent += len(block)
        yield head + block
        head = b""
    if sent != size:
        raise Unreadable
    yield head + tail + b","
