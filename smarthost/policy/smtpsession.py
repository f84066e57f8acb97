"""What is a client of SMTP told, command by command? The server of one that we know: a mail program on
this host, which may send to anybody.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

# As many as fit into the arguments of qmail-inject (a page each is the most they can be); RFC 5321
# wants 100 at least.
RECIPIENTS_LIMIT: Final = 1000
# qmail-queue refuses longer ones.
ADDRESS_LIMIT: Final = 900
# RFC 5321 says 512; a parameter or two may come on top.
LINE_LIMIT: Final = 4096

OK: Final = b"250 ok"
GO_AHEAD: Final = b"354 go ahead"
GOODBYE: Final = b"221 goodbye"
LINE_TOO_LONG: Final = b"500 line too long (#5.5.2)"
TOO_BIG: Final = b"552 sorry, that message size exceeds my databytes limit (#5.3.4)"
NO_ROOM: Final = b"451 write error or disk full (#4.3.0)"
_SYNTAX: Final = b"555 syntax error (#5.5.4)"
_WANTS_MAIL: Final = b"503 MAIL first (#5.5.1)"
_WANTS_RCPT: Final = b"503 RCPT first (#5.5.1)"
_UNKNOWN: Final = b"502 unimplemented (#5.5.1)"
_TOO_MANY: Final = b"452 too many recipients (#4.5.3)"
_ADDRESS_TOO_LONG: Final = b"553 address too long (#5.1.3)"


class Session:
    """What has been said so far.

    host        our name
    databytes   the largest message, 0 for no limit
    sender      of the message on its way, None before MAIL
    """

    __slots__ = ("databytes", "host", "recipients", "sender")

    def __init__(self, host: bytes, databytes: int = 0) -> None:
        self.host = host
        self.databytes = databytes
        self.forget()

    def forget(self) -> None:
        self.sender: bytes | None = None
        self.recipients: list[bytes] = []

    def greeting(self) -> bytes:
        return b"220 " + self.host + b" ESMTP"

    def answer(self, line: bytes) -> bytes:
        """The reply, lines separated by CRLF. After GO_AHEAD the message comes, after GOODBYE nothing."""
        verb, _, rest = line.strip(b" \t\r\n").partition(b" ")
        command = _COMMANDS.get(verb.upper())
        return _UNKNOWN if command is None else command(self, rest.strip(b" \t"))

    def helo(self, _rest: bytes) -> bytes:
        self.forget()
        return b"250 " + self.host

    def ehlo(self, _rest: bytes) -> bytes:
        self.forget()
        return b"250-%s\r\n250-PIPELINING\r\n250-SIZE %d\r\n250 8BITMIME" % (self.host, self.databytes)

    def mail(self, rest: bytes) -> bytes:
        try:
            sender, parameters = path(rest, b"FROM:")
            announced = size(parameters)
        except FormatError:
            return _SYNTAX
        if len(sender) > ADDRESS_LIMIT:
            return _ADDRESS_TOO_LONG
        if self.databytes and announced > self.databytes:
            return TOO_BIG
        self.forget()
        self.sender = sender
        return OK

    def rcpt(self, rest: bytes) -> bytes:
        if self.sender is None:
            return _WANTS_MAIL
        try:
            recipient, _ = path(rest, b"TO:")
        except FormatError:
            return _SYNTAX
        if not recipient:
            return _SYNTAX
        if len(recipient) > ADDRESS_LIMIT:
            return _ADDRESS_TOO_LONG
        if len(self.recipients) >= RECIPIENTS_LIMIT:
            return _TOO_MANY
        self.recipients.append(recipient)
        return OK

    def data(self, _rest: bytes) -> bytes:
        if self.sender is None:
            return _WANTS_MAIL
        return GO_AHEAD if self.recipients else _WANTS_RCPT

    def rset(self, _rest: bytes) -> bytes:
        self.forget()
        return b"250 flushed"

    def noop(self, _rest: bytes) -> bytes:
        return OK

    def vrfy(self, _rest: bytes) -> bytes:
        return b"252 send some mail, i'll try my best"

    def help(self, _rest: bytes) -> bytes:
        return b"214 see sendmail(8)"

    def quit(self, _rest: bytes) -> bytes:
        return GOODBYE


_COMMANDS: Final[Mapping[bytes, Callable[[Session, bytes], bytes]]] = {
    b"HELO": Session.helo,
    b"EHLO": Session.ehlo,
    b"MAIL": Session.mail,
    b"RCPT": Session.rcpt,
    b"DATA": Session.data,
    b"RSET": Session.rset,
    b"NOOP": Session.noop,
    b"VRFY": Session.vrfy,
    b"HELP": Session.help,
    b"QUIT": Session.quit,
}


def path(argument: bytes, keyword: bytes) -> tuple[bytes, list[bytes]]:
    """The address of `FROM:<joe@host> NAME=VALUE ...` without quotes and source route, and the parameters.

    Brackets may be missing. Raises FormatError for anything else.
    """
    if argument[: len(keyword)].upper() != keyword:
        raise FormatError("the keyword is missing")
    text = argument[len(keyword) :].lstrip(b" \t")
    bracketed = text.startswith(b"<")
    if bracketed:
        text = text[1:]
        if text.startswith(b"@"):
            text = text.partition(b":")[2]
    address, end = _unquoted(text, b">" if bracketed else b" ")
    if (bracketed and end == len(text)) or not (bracketed or address):
        raise FormatError("no address")
    if any(byte < 32 or byte == 127 for byte in address):
        raise FormatError("control characters in an address")
    return address, text[end + 1 :].split()


def _unquoted(text: bytes, ending: bytes) -> tuple[bytes, int]:
    """The text up to `ending` outside of quotes, without quotes and backslashes; where that is."""
    plain = bytearray()
    quoted = False
    at = 0
    while at < len(text):
        byte = text[at : at + 1]
        if byte == b"\\":
            at += 1
            plain += text[at : at + 1]
        elif byte == b'"':
            quoted = not quoted
        elif byte == ending and not quoted:
            break
        else:
            plain += byte
        at += 1
    return bytes(plain), min(at, len(text))


def size(parameters: list[bytes]) -> int:
    """How long the message is going to be, 0 if SIZE is not said. Raises FormatError if it is no number."""
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.upper() == b"SIZE":
            if not value.isdigit() or len(value) > 20:
                raise FormatError("SIZE is no number")
            return int(value)
    return 0


def outcome(status: int, words: bytes) -> bytes:
    """What qmail-inject's exit status means to the client; `words` is what it said on stderr."""
    if status == 0:
        return b"250 ok"
    said = bytes(byte for byte in words.strip().rpartition(b"fatal: ")[2] if 32 <= byte < 127)[:400]
    return (b"554 " if status == 100 else b"451 ") + (said or b"unable to send the message")
