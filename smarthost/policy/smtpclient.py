"""How does a client speak SMTP? One message to one server, from the greeting to the last reply (RFC 5321).

A session is a generator of steps, and does no I/O. Whoever runs it does what a step says and sends in what came
of it:

    bytes      send them; nothing comes of that
    REPLY      a `Reply`
    HANDSHAKE  nothing: TLS has been started, or the session is not gone on with
    SURVEY     the message's size, each line end counted as two bytes, and whether it has bytes above 127
    MESSAGE    nothing: the whole message has been sent, and the dot

What it returns is the outcome. When the connection dies instead, `died` says what came of it.
"""

from __future__ import annotations

from smarthost.formats import idna
from smarthost.policy import remotereport as r
from smarthost.policy.remotereport import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import Any, Final

    from smarthost.formats.smtpreply import Reply

    Step = bytes | int
    Steps = Generator[Step, Any, Outcome]
    Asking = Generator[Step, Any, Reply]

REPLY: Final = 1
HANDSHAKE: Final = 2
SURVEY: Final = 3
MESSAGE: Final = 4

# Whether TLS is to be started.
NEVER: Final = 0
IF_OFFERED: Final = 1
REQUIRED: Final = 2

# How many commands may be on their way at once: their replies, of a line or two, fit into the buffers between us,
# so that neither side waits for the other to read.
PIPELINE_LIMIT: Final = 50

GREETING: Final = 220
READY_FOR_TLS: Final = 220
HELLO: Final = 250


class Terms:
    """How a server is spoken to.

    helo      our name
    starttls  NEVER, IF_OFFERED or REQUIRED
    auth      how we log in: PLAIN, LOGIN or EXTERNAL, empty for what the server offers; None for not at all
    """

    __slots__ = ("auth", "helo", "password", "starttls", "user")

    def __init__(
        self,
        helo: bytes,
        starttls: int = NEVER,
        auth: bytes | None = None,
        user: bytes = b"",
        password: bytes = b"",
    ) -> None:
        self.helo = helo
        self.starttls = starttls
        self.auth = auth
        self.user = user
        self.password = password


class Session:
    """sender and recipients as they stand between < and >; `partner` is what the server is called in reports."""

    __slots__ = ("_fates", "_offered", "_recipients", "_sender", "_terms", "begun", "partner", "secured")

    def __init__(self, partner: bytes, sender: bytes, recipients: Sequence[bytes], terms: Terms) -> None:
        self.partner = partner
        self._sender = sender
        self._recipients = recipients
        self._terms = terms
        self._offered: Mapping[bytes, list[bytes]] = {}
        self._fates: list[bytes | None] = [None] * len(recipients)
        # Whether the message was mentioned: before, another server may be asked.
        self.begun = False
        self.secured = False

    def steps(self) -> Steps:
        greeting = yield REPLY
        if greeting.code != GREETING:
            return self._connected(r.DEFERRED, b"greeting failed", greeting)
        refused = yield from self._hello()
        if refused is None and self._terms.starttls:
            refused = yield from self._start_tls()
        if refused is None and self._terms.auth is not None:
            refused = yield from self._log_in(self._terms.auth)
        if refused is None:
            refused = yield from self._envelope()
        if refused is not None:
            return refused
        yield MESSAGE
        reply = yield REPLY
        if reply.accepted:
            return self._end(r.ACCEPTED, b" accepted message", reply)
        return self._end(_letter(reply), b" failed after I sent the message", reply)

    def died(self, *, critical: bool) -> Outcome:
        """The connection broke, or was silent for too long; `critical`: after the dot was sent."""
        doubt = b"Possible duplicate! " if critical else b""
        return self._without_words(b"connection died. " + doubt + b"(#4.4.2)", in_doubt=critical)

    def spoke_nonsense(self, said: bytes, *, critical: bool) -> Outcome:
        """What came was no reply."""
        doubt = b"Possible duplicate! " if critical else b""
        outcome = self._without_words(b"its reply makes no sense. " + doubt + b"(#4.5.0)", in_doubt=critical)
        outcome.message += _quoted(said)
        return outcome

    def no_tls(self, reason: bytes) -> Outcome:
        """The handshake failed where TLS is required."""
        return self._without_words(b"TLS failed: " + reason + b" (#4.7.5)")

    def _hello(self) -> Generator[Step, Any, Outcome | None]:
        reply = yield from _ask(b"EHLO " + self._terms.helo)
        self._offered = reply.capabilities() if reply.code == HELLO else {}
        if reply.code != HELLO and reply.code != 421:  # noqa: PLR1714  (which a server says that leaves)
            reply = yield from _ask(b"HELO " + self._terms.helo)
        return None if reply.code == HELLO else self._connected(r.DEFERRED, b"my name was rejected", reply)

    def _start_tls(self) -> Generator[Step, Any, Outcome | None]:
        required = self._terms.starttls == REQUIRED
        if b"STARTTLS" not in self._offered:
            return self._without_words(b"it does not offer TLS. (#4.7.4)") if required else None
        reply = yield from _ask(b"STARTTLS")
        if reply.code != READY_FOR_TLS:
            return self._connected(r.DEFERRED, b"TLS was refused", reply) if required else None
        yield HANDSHAKE
        self.secured = True
        return (yield from self._hello())

    def _log_in(self, method: bytes) -> Generator[Step, Any, Outcome | None]:
        known = self._offered.get(b"AUTH", [])
        method = method or next((each for each in (b"PLAIN", b"LOGIN") if each in known), b"")
        if not method or (method == b"EXTERNAL" and method not in known):
            return self._without_words(b"it offers no way to log in that I know. (#4.7.0)")
        if method == b"EXTERNAL":
            reply = yield from _ask(b"AUTH EXTERNAL =")
        elif method == b"LOGIN":
            reply = yield from _ask(b"AUTH LOGIN " + _base64(self._terms.user))
            if 300 <= reply.code < 400:
                reply = yield from _ask(_base64(self._terms.password))
        else:
            secret = b"\0".join((self._terms.user, self._terms.user, self._terms.password))
            reply = yield from _ask(b"AUTH PLAIN " + _base64(secret))
        # Never for good: it is not the message's fault.
        return None if reply.accepted else self._connected(r.DEFERRED, b"my login was rejected", reply)

    def _envelope(self) -> Generator[Step, Any, Outcome | None]:
        """Sender, recipients and DATA; None if the message is to follow."""
        self.begun = True
        sender = self._speakable(self._sender)
        if sender is None:
            return self._connected(r.REJECTED, b"it does not take addresses like the sender's (#5.6.7)", None)
        commands = [b"MAIL FROM:<" + sender + b">" + (yield from self._parameters())]
        asked = [-1]
        for number, address in enumerate(self._recipients):
            recipient = self._speakable(address)
            if recipient is None:
                text = b" does not take addresses like this one. (#5.6.7)\n"
                self._fates[number] = r.REFUSED + self.partner + text
            else:
                asked.append(number)
                commands.append(b"RCPT TO:<" + recipient + b">")
        at_once = PIPELINE_LIMIT if b"PIPELINING" in self._offered else 1
        for start in range(0, len(commands) if len(commands) > 1 else 0, at_once):
            batch = commands[start : start + at_once]
            if at_once > 1 and start + at_once >= len(commands):
                batch.append(b"DATA")
            yield b"\r\n".join([*batch, b""])
            for number in asked[start : start + at_once]:
                reply = yield REPLY
                if number >= 0:
                    self._fates[number] = self._fate(reply)
                elif not reply.accepted:
                    return self._connected(_letter(reply), b"sender was rejected", reply)
        if r.TAKEN not in self._fates:
            return self._end(r.REJECTED, b"", None, b"Giving up on ")
        if at_once == 1:
            yield b"DATA\r\n"
        reply = yield REPLY
        if 300 <= reply.code < 400:
            return None
        return self._end(_letter(reply), b" failed on DATA command", reply)

    def _speakable(self, address: bytes) -> bytes | None:
        """The address as this server can be told it; None if it cannot."""
        if b"\n" in address or b"\r" in address:
            return None
        if b"SMTPUTF8" not in self._offered:
            address = idna.ascii_address(address)
            return address if address.isascii() else None
        return address

    def _parameters(self) -> Generator[Step, Any, bytes]:
        """What MAIL says besides the sender."""
        parameters = b""
        if b"SIZE" in self._offered or b"8BITMIME" in self._offered:
            size, has_high_bytes = yield SURVEY
            if b"SIZE" in self._offered:
                parameters += b" SIZE=%d" % size
            if has_high_bytes and b"8BITMIME" in self._offered:
                parameters += b" BODY=8BITMIME"
        if b"SMTPUTF8" in self._offered and not all(map(bytes.isascii, (self._sender, *self._recipients))):
            parameters += b" SMTPUTF8"
        return parameters

    @property
    def reports(self) -> list[bytes]:
        """On the recipients, up to the first that nothing is known about."""
        known = self._fates.index(None) if None in self._fates else len(self._fates)
        return [fate for fate in self._fates[:known] if fate is not None]

    def _fate(self, reply: Reply) -> bytes:
        if reply.accepted:
            return r.TAKEN
        letter = r.REFUSED if reply.rejected else r.LATER
        return letter + self.partner + b" does not like recipient.\n" + _said(reply)

    def _connected(self, letter: bytes, what: bytes, reply: Reply | None) -> Outcome:
        return self._end(letter, b" but " + what, reply, b"Connected to ")

    def _end(self, letter: bytes, after: bytes, reply: Reply | None, before: bytes = b"") -> Outcome:
        text = before + self.partner + after + b".\n" + (_said(reply) if reply is not None else b"")
        return Outcome(letter + text, self.reports, elsewhere=not self.begun)

    def _without_words(self, what: bytes, *, in_doubt: bool = False) -> Outcome:
        """It said nothing that could be shown."""
        text = b"Connected to " + self.partner + b" but " + what + b"\n"
        return Outcome(r.DEFERRED + text, self.reports, elsewhere=not self.begun, in_doubt=in_doubt)


def _ask(command: bytes) -> Asking:
    yield command + b"\r\n"
    reply: Reply = yield REPLY
    return reply


def _letter(reply: Reply) -> bytes:
    return r.REJECTED if reply.rejected else r.DEFERRED


def _said(reply: Reply) -> bytes:
    return _quoted(reply.text)


def _quoted(text: bytes) -> bytes:
    return b"Remote host said: " + text.replace(b"\0", b"?") if text else b""


def _base64(text: bytes) -> bytes:
    from binascii import b2a_base64  # noqa: PLC0415  few servers want us to log in

    return b2a_base64(text, newline=False)
