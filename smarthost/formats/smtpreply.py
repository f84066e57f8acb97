"""What does an SMTP server answer? A number of three digits, and text that may have several lines."""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# Nobody reads more of a server's words; qmail-remote keeps as much.
TEXT_LIMIT: Final = 5000
# RFC 5321 says 512. Without a newline in so much, there is none to be waited for.
LINE_LIMIT: Final = 65536
# A server that goes on and on is none; EHLO's answer has some twenty lines.
SIZE_LIMIT: Final = 1024 * 1024

_DIGITS: Final = frozenset(b"0123456789")


class Reply:
    """`text` is all that came but carriage returns, cut at TEXT_LIMIT: numbers, too, and newlines."""

    __slots__ = ("code", "text")

    def __init__(self, code: int, text: bytes) -> None:
        self.code = code
        self.text = text

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def rejected(self) -> bool:
        return 500 <= self.code < 600

    def capabilities(self) -> dict[bytes, list[bytes]]:
        """What EHLO's answer offers: keywords in capitals, with their words in capitals.

        AUTH=LOGIN is how old servers write AUTH LOGIN.
        """
        offered: dict[bytes, list[bytes]] = {}
        for line in self.text.split(b"\n")[1:]:
            words = line[4:].upper().replace(b"AUTH=", b"AUTH ").split()
            if words:
                offered.setdefault(words[0], []).extend(words[1:])
        return offered


class ReplyReader:
    """Feed it what arrives; `take` answers one reply after the other."""

    __slots__ = ("_code", "_pending", "_size", "_text")

    def __init__(self) -> None:
        self._pending = b""
        self._forget()

    def _forget(self) -> None:
        self._code = 0
        self._size = 0
        self._text = b""

    def feed(self, data: bytes) -> None:
        self._pending += data

    @property
    def idle(self) -> bool:
        """Whether nothing has come that was not taken."""
        return not self._pending and not self._size

    def take(self) -> Reply | None:
        """The next reply; None while more bytes are needed. Raises FormatError for what is none.

        Of lines that do not agree the greatest number counts: what is refused in one is not accepted.
        """
        while True:
            line, newline, rest = self._pending.partition(b"\n")
            if len(line) > LINE_LIMIT:
                raise FormatError("line too long")
            if not newline:
                return None
            self._pending = rest
            self._size += len(line) + 1
            if self._size > SIZE_LIMIT:
                raise FormatError("reply too long")
            if len(self._text) < TEXT_LIMIT:
                self._text = (self._text + line.replace(b"\r", b"") + b"\n")[:TEXT_LIMIT]
            self._code = max(self._code, _code(line))
            if line[3:4] != b"-":
                reply = Reply(self._code, self._text)
                self._forget()
                return reply

    def said(self) -> bytes:
        """What has come of a reply that is none, for those who want to see it."""
        return (self._text + self._pending.replace(b"\r", b""))[:TEXT_LIMIT]


def _code(line: bytes) -> int:
    digits = line[:3]
    if len(digits) < 3 or not _DIGITS.issuperset(digits):
        raise FormatError("no number")
    return int(digits)
