"""qmail-qmqpc: hand one message to a QMQP server, in the place of qmail-queue.

Reads   the message on descriptor 0 and the envelope on descriptor 1, as qmail-queue does; in the
        home's control/: qmqpservers (the servers, tried in order), timeoutconnect (10 seconds),
        timeoutremote (60 seconds for each send or receive); for servers that are marked tls: also
        qmqpca.pem, qmqpcert.pem and qmqpverify
Writes  the message to the first server that answers; the reason of a failure, in one line, on
        descriptor 2; a server's refusal on descriptor 6, if that is a pipe
Exits   0 accepted; 31 rejected, 71 deferred by the server, or 82 if its words went to descriptor 6;
        11 an address of 1003 bytes or more; 51 no memory; 53 no space for the temporary file; 54 message or envelope cannot be read;
        55 trouble with control files, or no server in them; 56 no network, or no such host;
        61 no home; 72 connecting took too long; 73 connection refused; 74 it broke; 91 bad envelope
Differs servers may be host names, IPv6 addresses, UNIX-domain sockets, have a port, or use TLS;
        words after an address are ignored, but not text that touches it; a line that names no
        server is named in the line on descriptor 2; a server that cannot be talked to is passed
        over (the original gives up with 74 once connected, and with 56 without a socket), but a
        second one that may have the message is the last; the reply must be a netstring (the
        original searches it for a K); more than 1 MB lies in a temporary file, not in memory;
        the reason of a failure is said on descriptors 2 and 6, where the original says nothing
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import FormatError, ProgramError
from smarthost.formats import envelope, netstring, qmqpreply, qmqpserver
from smarthost.formats.qmqpreply import ReplyReader
from smarthost.policy import failover, replies
from smarthost.store import qmqpclient
from smarthost.store.controls import Controls
from smarthost.store.home import qmail_home
from smarthost.unix import errtext, files
from smarthost.unix.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ssl import SSLContext
    from typing import Final

    from smarthost.formats.qmqpserver import QmqpServer
    from smarthost.policy.failover import Failure

NAME = "qmail-qmqpc"

MESSAGE: Final = 0
ENVELOPE: Final = 1
REPORT: Final = 6

CONNECT_SECONDS: Final = 10
TRANSFER_SECONDS: Final = 60
DAY: Final = 24 * 60 * 60

# From stat(7): the module of that name is one more import.
FILE_TYPE: Final = 0o170000
PIPE: Final = 0o010000


class _Ended(ProgramError):
    """The end, with a status that the callers of qmail-queue know."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Settings:
    """What the control files say."""

    def __init__(self, home: bytes) -> None:
        self._controls = controls = Controls(home)
        try:
            controls.line(b"me")  # the original looks at it first: trouble with it is trouble everywhere
            servers = controls.lines(b"qmqpservers")
            self.connect_seconds = _seconds(controls.number(b"timeoutconnect"), CONNECT_SECONDS)
            self.transfer_seconds = _seconds(controls.number(b"timeoutremote"), TRANSFER_SECONDS)
        except OSError as error:
            name = os.path.basename(os.fsdecode(error.filename))
            raise _Ended(
                replies.NO_CONFIGURATION, f"unable to read control/{name}: {errtext.reason(error)}"
            ) from error
        if servers is None:
            raise _Ended(replies.NO_CONFIGURATION, "control/qmqpservers does not exist")
        if not servers:
            raise _Ended(replies.NO_CONFIGURATION, "control/qmqpservers names no server")
        self.servers = servers

    def tls(self) -> SSLContext:
        """How servers are checked. Raises OSError; FormatError when control/qmqpverify makes no sense."""
        from smarthost.unix import tls  # noqa: PLC0415

        verify = self._controls.line(b"qmqpverify") or b"name"
        if verify not in (b"name", b"chain"):
            raise FormatError("control/qmqpverify says neither name nor chain")
        authorities, certificate = map(self._file, (b"qmqpca.pem", b"qmqpcert.pem"))
        return tls.client_context(authorities, certificate, check_name=verify == b"name")

    def _file(self, name: bytes) -> bytes | None:
        path = self._controls.directory + b"/" + name
        return path if os.path.lexists(path) else None


def _seconds(number: int | None, default: int) -> int:
    return default if number is None else min(max(number, 1), DAY)


class _Request:
    """The message and its envelope as the bytes that a server is sent."""

    def __init__(self) -> None:
        self._head = b""
        self._scratch = Scratch(os.environb)

    def read(self) -> None:
        """The message from descriptor 0, then the envelope from descriptor 1."""
        for block in _blocks(MESSAGE, "message"):
            self._put(block)
        inner = b"%d:" % self._scratch.size
        self._put(b",")
        for address in _addresses():
            self._put(netstring.encode(address))
        self._head = b"%d:" % (len(inner) + self._scratch.size) + inner
        self._put(b",")

    def blocks(self) -> Iterator[bytes]:
        """All of it, as often as there are servers."""
        head = self._head
        for block in self._scratch.blocks():
            yield head + block
            head = b""

    def close(self) -> None:
        self._scratch.close()

    def _put(self, data: bytes) -> None:
        try:
            self._scratch.append(data)
        except OSError as error:
            raise _Ended(
                replies.WRITE_ERROR, f"unable to write temporary file: {errtext.reason(error)}"
            ) from error


def _blocks(descriptor: int, what: str) -> Iterator[bytes]:
    try:
        yield from files.blocks(descriptor)
    except OSError as error:
        raise _Ended(replies.READ_ERROR, f"unable to read {what}: {errtext.reason(error)}") from error


def _addresses() -> Iterator[bytes]:
    """The sender, then the recipients."""
    checker, rest = envelope.EnvelopeChecker(), b""
    for block in _blocks(ENVELOPE, "envelope"):
        try:
            *records, rest = (rest + checker.feed(block)).split(b"\0")
        except envelope.AddressTooLong as error:
            raise _Ended(replies.ADDRESS_TOO_LONG, str(error)) from error
        except FormatError as error:
            raise _Ended(replies.BAD_ENVELOPE, str(error)) from error
        for record in records:
            yield record[1:]
        if checker.done:
            return
    raise _Ended(replies.BAD_ENVELOPE, "the envelope does not end")


def _deliver(request: _Request, settings: _Settings) -> tuple[ReplyReader | None, list[str], int]:
    """Try the servers.

    The reply of the one that answered; what is to be said of those before and of it; the status
    when none answered.
    """
    failures: list[Failure] = []
    said: list[str] = []
    for line in settings.servers:
        shown = qmqpreply.printable(line).decode()
        try:
            server = qmqpserver.parse(line)
        except FormatError as error:
            said.append(f"{shown}: {error}")  # as in the original, this alone is no failure
            continue
        for attempt in _attempts(server, request, settings):
            if isinstance(attempt, ReplyReader):
                return attempt, [*said, shown], replies.QUEUED
            said.append(f"{shown}: {attempt}")
            failures.append(attempt.failure)
            if not failover.may_go_on(failures):
                return None, said, failover.verdict(failures)
    return None, said, failover.verdict(failures)


def _attempts(
    server: QmqpServer, request: _Request, settings: _Settings
) -> Iterator[ReplyReader | qmqpclient.NoAnswer]:
    """The server at each of its addresses."""
    try:
        addresses = qmqpclient.find(server)
    except qmqpclient.NoAnswer as no_answer:
        yield no_answer
        return
    for address in addresses:
        try:
            yield qmqpclient.ask(server, address, request.blocks(), settings)
        except qmqpclient.NoAnswer as no_answer:
            yield no_answer


def _report(line: bytes) -> bool:
    """Hand the server's words to who started us, if somebody listens: nothing but a pipe is written to."""
    if len(line) < replies.WORDS_LEAST:
        return False
    try:
        if os.fstat(REPORT).st_mode & FILE_TYPE != PIPE:
            return False
        os.write(REPORT, line)
    except OSError:
        return False
    return True


def _queue() -> int:
    home = qmail_home()
    if not os.path.isdir(home):
        raise _Ended(replies.NO_HOME, f"home directory {os.fsdecode(home)} does not exist")
    settings = _Settings(home)
    request = _Request()
    try:
        request.read()
        reply, said, status = _deliver(request, settings)
    finally:
        request.close()
    if reply is None:
        raise _Ended(status, "no QMQP server took the message" + "".join(f"; {text}" for text in said))
    if reply.letter == qmqpreply.ACCEPTED:
        return replies.QUEUED
    rejected = reply.letter == qmqpreply.REJECTED
    line = qmqpreply.shown(reply.letter, reply.text, replies.WORDS_LIMIT)
    status = replies.REJECTED if rejected else replies.DEFERRED
    raise _Ended(
        replies.OWN_WORDS if _report(line) else status,
        f"{'; '.join(said)} {'rejected' if rejected else 'deferred'} the message: {line[1:].decode()}",
    )


def body(_arguments: list[bytes]) -> int:
    try:
        return _queue()
    except MemoryError as error:
        raise _Ended(replies.OUT_OF_MEMORY, "out of memory") from error


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
