r"""What does control/remotes say? A server a line, as nullmailer has it (nullmailer-send(8)):

    host [ smtp | qmqp [ option ... ] ]

Words are quoted as in a shell: '...' as it is, "..." and \ with a backslash before what would end it. A
backslash between double quotes stands before any byte, as in nullmailer. An option may begin with --.
A line that begins with # and an empty one count for nothing.

No word of a line is ever repeated in what FormatError says: it may be part of a password.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

SMTP: Final = b"smtp"
QMQP: Final = b"qmqp"

# Where a server listens unless the line says otherwise.
SMTP_PORT: Final = 25
SMTPS_PORT: Final = 465
PORT_LIMIT: Final = 65535

LOGIN: Final = b"LOGIN"
EXTERNAL: Final = b"EXTERNAL"

_BLANKS: Final = b" \t\n\v\f\r"
_DIGITS: Final = frozenset(b"0123456789")


class Remote:
    """One server. `auth` is empty for whatever the server offers; a file is a path, or empty for none."""

    __slots__ = (
        "anonymous",
        "auth",
        "authorities",
        "certificate",
        "der",
        "host",
        "insecure",
        "key",
        "password",
        "port",
        "protocol",
        "revoked",
        "source",
        "starttls",
        "tls",
        "user",
    )

    def __init__(self, host: bytes, protocol: bytes = SMTP) -> None:
        self.host = host
        self.protocol = protocol
        self.port = 0
        self.user: bytes | None = None
        self.password: bytes | None = None
        self.auth = b""
        self.source = b""
        self.starttls = self.tls = self.insecure = self.anonymous = self.der = False
        self.authorities = self.revoked = self.certificate = self.key = b""

    @property
    def secured(self) -> bool:
        return self.tls or self.starttls


_FLAGS: Final[Mapping[bytes, tuple[str, object]]] = {
    b"auth-external": ("auth", EXTERNAL),
    b"auth-login": ("auth", LOGIN),
    b"insecure": ("insecure", True),
    b"ssl": ("tls", True),
    b"starttls": ("starttls", True),
    b"tls": ("tls", True),
    b"tls-anon-auth": ("anonymous", True),
    b"x509fmtder": ("der", True),
}
_VALUES: Final[Mapping[bytes, str]] = {
    b"host": "host",
    b"pass": "password",
    b"port": "port",
    b"source": "source",
    b"user": "user",
    b"x509cafile": "authorities",
    b"x509certfile": "certificate",
    b"x509crlfile": "revoked",
    b"x509keyfile": "key",
}


def servers(content: bytes) -> list[Remote]:
    """All servers, in order. Raises FormatError for a file that names none, or has a line that makes no sense."""
    found = []
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.strip(_BLANKS)
        if text and not text.startswith(b"#"):
            try:
                found.append(_server(text))
            except FormatError as error:
                raise FormatError(f"line {number}: {error}") from None
    if not found:
        raise FormatError("no server is named")
    return found


def _server(line: bytes) -> Remote:
    if b"\0" in line:
        raise FormatError("a zero byte")
    host, *words = words_of(line)
    server = Remote(host, words[0] if words else SMTP)
    if server.protocol not in (SMTP, QMQP):
        raise FormatError("the protocol is neither smtp nor qmqp")
    for number, word in enumerate(words[1:], 1):
        _set(server, word.removeprefix(b"--"), number)
    if not server.host:
        raise FormatError("the host has no name")
    if server.tls and server.starttls:
        server.starttls = False  # the whole connection is encrypted already
    if server.anonymous and (server.authorities or server.revoked or server.certificate or server.key):
        raise FormatError("a certificate and tls-anon-auth do not go together")
    if server.anonymous and not server.insecure:
        raise FormatError("tls-anon-auth needs insecure")
    if server.protocol == QMQP:
        _check_qmqp(server)
    elif not server.port:
        server.port = SMTPS_PORT if server.tls else SMTP_PORT
    return server


def _check_qmqp(server: Remote) -> None:
    if server.starttls:
        raise FormatError("qmqp has no starttls")
    if server.tls and not server.port:
        raise FormatError("qmqp with tls needs a port")


def _set(server: Remote, option: bytes, number: int) -> None:
    name, equals, value = option.partition(b"=")
    if name in _FLAGS and not equals:
        setattr(server, *_FLAGS[name])
    elif name in _VALUES and equals:
        setattr(server, _VALUES[name], _port(value) if name == b"port" else value)
    elif name[:2] == b"-p":  # the one option with a short name
        server.port = _port(option[2:])
    else:
        raise FormatError(f"option {number} is unknown, or its value is missing or too much")


def _port(digits: bytes) -> int:
    """0 is the usual one."""
    if not digits or not _DIGITS.issuperset(digits) or len(digits) > 10 or int(digits) > PORT_LIMIT:
        raise FormatError("bad port")
    return int(digits)


def words_of(line: bytes) -> list[bytes]:
    """The words of a line, quotes taken off. Raises FormatError for a quote that is not closed."""
    words: list[bytes] = []
    rest = line.lstrip(_BLANKS)
    while rest:
        word, rest = _word(rest)
        words.append(word)
        rest = rest.lstrip(_BLANKS)
    return words


def _word(text: bytes) -> tuple[bytes, bytes]:
    """The word at the beginning, and what follows it."""
    word = bytearray()
    quote = 0
    at = iter(range(len(text)))
    for place in at:
        byte = text[place]
        if byte == quote:
            quote = 0
        elif byte == 0x5C and quote != 0x27:
            word += _escaped(text, at)
        elif quote:
            word.append(byte)
        elif byte in b"'\"":
            quote = byte
        elif byte in _BLANKS:
            return bytes(word), text[place:]
        else:
            word.append(byte)
    if quote:
        raise FormatError("a quote is not closed")
    return bytes(word), b""


def _escaped(text: bytes, at: Iterator[int]) -> bytes:
    """What follows a backslash; nothing at the end of the line."""
    for place in at:
        return text[place : place + 1]
    return b""
