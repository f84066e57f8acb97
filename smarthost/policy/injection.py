"""What becomes of a message's header when it is sent for the first time, and who gets it? (qmail-inject.c)

One Header takes one message's fields as they come; then it says the header's first lines, the
sender and the recipients. qmail-header(5) says what is rewritten.
"""

from __future__ import annotations

from smarthost.errors import FormatError
from smarthost.formats import addresslist, fields, mailbox, newfields
from smarthost.formats import token822 as t

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from smarthost.policy.hostnames import Hostnames
    from smarthost.policy.identity import Identity

_RECIPIENTS: Final = frozenset((b"to", b"cc", b"bcc", b"apparently-to"))
_SHOWN_RECIPIENTS: Final = frozenset((b"to", b"cc"))
_RESENT_RECIPIENTS: Final = frozenset((b"resent-to", b"resent-cc", b"resent-bcc"))
_SENDERS: Final = frozenset(
    (
        *(b"sender", b"from", b"reply-to", b"return-receipt-to", b"errors-to"),
        *(b"resent-sender", b"resent-from", b"resent-reply-to"),
    )
)
_RETURN_PATH: Final = b"return-path"
_MAKE_RESENT: Final = _RESENT_RECIPIENTS | {
    *(b"resent-sender", b"resent-from", b"resent-reply-to", b"resent-date", b"resent-message-id")
}
# Taken out of every message. A length is wrong as soon as anything is added.
_DROPPED: Final = frozenset((b"bcc", b"resent-bcc", _RETURN_PATH, b"content-length"))
# Letters of QMAILINJECT that take out what the message says about itself.
_DROPPED_BY_LETTER: Final = {b"f": b"from", b"i": b"message-id", b"s": _RETURN_PATH}

# Added to the sender where each recipient shall have its own: qmail-send fills it in.
_PER_RECIPIENT: Final = b"-@[]"

_NOT_SHOWN: Final = b"Cc: recipient list not shown: ;\n"


class Header:
    """The header of one message.

    sender      the envelope's sender, None until one is known
    recipients  those that the header names, from right to left in each field, as the original has them
    unread      fields of recipients that could not be read: they stay as they are, their recipients are lost
    """

    __slots__ = (
        "_identity",
        "_ignored",
        "_kept",
        "_names",
        "_resent",
        "_seen",
        "_to",
        "_unread",
        "_usual",
        "sender",
    )

    def __init__(self, identity: Identity, names: Hostnames, sender: bytes | None = None) -> None:
        self.sender = sender
        self._identity = identity
        self._names = names
        self._seen: set[bytes] = set()
        self._kept: list[bytes] = []
        self._to: list[bytes] = []  # of To and Cc, for Mail-Followup-To
        self._unread: list[tuple[bytes, bytes]] = []
        self._usual: list[bytes] = []
        self._resent: list[bytes] = []
        letters = identity.letters
        self._ignored = {name for letter, name in _DROPPED_BY_LETTER.items() if letter in letters}

    def take(self, field: bytes) -> None:
        """The next field, with its newlines. Raises t.Unreadable for a sender's that cannot be read."""
        name = fields.name(field)
        if name in self._ignored:
            return
        self._seen.add(name)
        if name in _RECIPIENTS or name in _RESENT_RECIPIENTS:
            field = self._take_recipients(name, field)
        elif name in _SENDERS:
            field = self._rewritten(field, self._names.complete)
        elif name == _RETURN_PATH:
            self._rewritten(field, self._take_sender)
        if name not in _DROPPED:
            self._kept.append(field)

    def _take_recipients(self, name: bytes, field: bytes) -> bytes:
        found = self._resent if name in _RESENT_RECIPIENTS else self._usual

        def take(address: list[t.Token]) -> list[t.Token]:
            complete = self._names.complete(address)
            found.append(t.bare(complete))
            if name in _SHOWN_RECIPIENTS:
                self._to.append(found[-1])
            return complete

        try:
            return self._rewritten(field, take)
        except t.Unreadable:
            self._unread.append((name, field))
            return field

    def _take_sender(self, address: list[t.Token]) -> list[t.Token]:
        complete = self._names.complete(address)
        if self.sender is None:
            self.sender = t.bare(complete)
            if b"r" in self._identity.letters:
                self.sender += _PER_RECIPIENT
        return complete

    @staticmethod
    def _rewritten(field: bytes, rewrite: addresslist.Rewrite) -> bytes:
        try:
            return t.field(addresslist.rewritten(t.tokens(field), rewrite))
        except FormatError:
            raise t.Unreadable(field) from None

    @property
    def resent(self) -> bool:
        return not self._seen.isdisjoint(_MAKE_RESENT)

    @property
    def recipients(self) -> list[bytes]:
        return self._resent if self.resent else self._usual

    @property
    def unread(self) -> list[bytes]:
        names = _RESENT_RECIPIENTS if self.resent else _RECIPIENTS
        return [field for name, field in self._unread if name in names]

    def finish(
        self, seconds: int, pid: int, id_host: bytes, lists: frozenset[bytes] = frozenset()
    ) -> Iterator[bytes]:
        """The whole header, field by field, when the last one has been taken. From then on `sender` is known.

        lists: addresses, in lower case, that ask for a Mail-Followup-To. Raises t.Unreadable
        where the environment makes no address.
        """
        if self.sender is None:
            self._rewritten(self._identity.return_path(seconds, pid), self._take_sender)
        prefix, lower = (b"Resent-", b"resent-") if self.resent else (b"", b"")
        if lower + b"date" not in self._seen:
            yield prefix + newfields.date(seconds)
        if lower + b"message-id" not in self._seen:
            yield prefix + newfields.message_id(seconds, pid, id_host)
        if lower + b"from" not in self._seen:
            yield prefix + self._rewritten(self._identity.author(), self._names.complete)
        if lower + b"to" not in self._seen and lower + b"cc" not in self._seen:
            yield prefix + _NOT_SHOWN
        if not self.resent:
            yield from self._follow_up(lists)
        yield from self._kept

    def _follow_up(self, lists: frozenset[bytes]) -> Iterator[bytes]:
        if b"mail-followup-to" in self._seen or lists.isdisjoint(address.lower() for address in self._to):
            return
        shown = [mailbox.quoted(as_c_string(address)) for address in reversed(self._to)]
        yield b"Mail-Followup-To: " + b",\n  ".join(shown) + b"\n"


def as_c_string(address: bytes) -> bytes:
    """The address as far as an envelope can hold it: a zero byte ends it there."""
    return address.partition(b"\0")[0]


def argument(address: bytes, names: Hostnames) -> bytes:
    """An address given as an argument, for the envelope. Raises t.Unreadable if it is none."""
    return t.bare(names.complete(t.tokens(mailbox.quoted(address))))
