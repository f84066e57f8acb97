"""Who sends a message that does not say so? What qmail-inject takes from the environment.

The first variable of each row that is set decides, even if it is empty.
"""

from __future__ import annotations

from smarthost.formats import mailbox
from smarthost.formats import token822 as t

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

USER: Final = (b"QMAILUSER", b"MAILUSER", b"USER", b"LOGNAME")
HOST: Final = (b"QMAILHOST", b"MAILHOST")
FULL_NAME: Final = (b"QMAILNAME", b"MAILNAME", b"NAME")
SENDER_USER: Final = b"QMAILSUSER"
SENDER_HOST: Final = b"QMAILSHOST"
NOBODY: Final = b"anonymous"

LETTERS: Final = b"QMAILINJECT"


def first_set(environ: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> bytes | None:
    for name in names:
        value = environ.get(name)
        if value is not None:
            return value
    return None


class Identity:
    """user, host and full_name make the From field; sender_user and sender_host the envelope's sender.

    host, sender_host: None for the default host. full_name: None for none.
    letters: what QMAILINJECT asks for.
    """

    __slots__ = ("full_name", "host", "letters", "sender_host", "sender_user", "user")

    def __init__(self, environ: Mapping[bytes, bytes]) -> None:
        user = first_set(environ, USER)
        self.user = NOBODY if user is None else user
        self.host = first_set(environ, HOST)
        self.full_name = first_set(environ, FULL_NAME)
        self.sender_user = environ.get(SENDER_USER, self.user)
        self.sender_host = environ.get(SENDER_HOST, self.host)
        self.letters = environ.get(LETTERS, b"")

    def author(self) -> bytes:
        """A From field, the address not yet completed."""
        kind = t.QUOTED if mailbox.needs_quotes(self.user) else t.ATOM
        address = [(kind, self.user), *_at(self.host)]
        if self.full_name is None:
            words = address
        elif b"c" in self.letters:
            words = [*address, (t.COMMENT, self.full_name)]
        else:
            words = [(t.QUOTED, self.full_name), t.SINGLE[t.LEFT], *address, t.SINGLE[t.RIGHT]]
        return t.field([(t.ATOM, b"From"), t.SINGLE[t.COLON], *words])

    def return_path(self, seconds: int, pid: int) -> bytes:
        """A Return-Path field, the address not yet completed; this process's own if each message shall
        have one (letter m), with a dash at the end if each recipient shall (letter r).
        """
        user = self.sender_user
        if b"m" in self.letters:
            user += b"-%d.%d" % (seconds, pid)
        if b"r" in self.letters:
            user += b"-"
        words = [(t.ATOM, b"Return-Path"), t.SINGLE[t.COLON], (t.QUOTED, user), *_at(self.sender_host)]
        return t.field(words)


def _at(host: bytes | None) -> list[t.Token]:
    return [] if host is None else [t.SINGLE[t.AT], (t.ATOM, host)]
