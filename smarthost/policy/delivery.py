"""A delivery to a user: which .qmail file controls it, and what is said of it above the message and to
programs (dot-qmail(5), qmail-command(8), qmail-local.c).
"""

from __future__ import annotations

from smarthost.formats import mailbox, mbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

DOT_QMAIL: Final = b".qmail"
DEFAULT: Final = b"default"
OWNER: Final = b"-owner"
OWNER_DEFAULT: Final = b"-owner-default"

# The sender of a bounce of a bounce, which no owner is to take the place of. Nor that of the empty one.
DOUBLE_BOUNCE: Final = b"#@[]"
# At a sender's end: qmail-send puts each recipient in there (VERP).
PER_RECIPIENT: Final = b"-@[]"

_FROM_BLANKS: Final = bytes.maketrans(b" \t\n", b"---")


class Delivery:
    """What qmail-local is told: the words of its command line."""

    __slots__ = ("dash", "ext", "home", "host", "local", "sender", "user")

    def __init__(
        self,
        *,
        user: bytes,
        home: bytes,
        local: bytes,
        dash: bytes,
        ext: bytes,
        host: bytes,
        sender: bytes,
    ) -> None:
        self.user: Final = user
        self.home: Final = home
        self.local: Final = local
        self.dash: Final = dash
        self.ext: Final = ext
        self.host: Final = host
        self.sender: Final = sender

    @property
    def recipient(self) -> bytes:
        return self.local + b"@" + self.host

    @property
    def delivered_to(self) -> bytes:
        """The line that keeps the message from looping."""
        return b"Delivered-To: " + self.recipient.replace(b"\n", b"_") + b"\n"

    @property
    def return_path(self) -> bytes:
        return b"Return-Path: <" + mailbox.quoted(self.sender).replace(b"\n", b"_") + b">\n"

    def from_line(self, seconds: int) -> bytes:
        """What begins a message in an mbox."""
        sender = self.sender.translate(_FROM_BLANKS) or b"MAILER-DAEMON"
        return b"From " + sender + b" " + mbox.ctime(seconds) + b"\n"

    @property
    def file(self) -> bytes:
        """The .qmail file of the very address."""
        return DOT_QMAIL + self.dash + _safe(self.ext)

    def files(self) -> Iterator[tuple[bytes, bytes | None]]:
        """The files that may control the delivery, the first that exists does; and what DEFAULT is then."""
        safe = _safe(self.ext)
        # As the original: an address that itself ends in "default" has that part in DEFAULT.
        yield self.file, self.ext[-len(DEFAULT) :] if safe.endswith(DEFAULT) else None
        for end in range(len(safe), -1, -1):
            if end == 0 or safe[end - 1 : end] == b"-":
                yield DOT_QMAIL + self.dash + safe[:end] + DEFAULT, self.ext[end:]

    @property
    def may_have_owner(self) -> bool:
        return self.sender not in (b"", DOUBLE_BOUNCE)

    def owner(self, *, per_recipient: bool) -> bytes:
        """The sender of what is forwarded, where the list has an owner."""
        if per_recipient:
            return self.local + OWNER + b"-@" + self.host + PER_RECIPIENT
        return self.local + OWNER + b"@" + self.host

    def environment(self, seconds: int) -> dict[bytes, bytes]:
        """The variables for programs, but for DEFAULT and NEWSENDER."""
        ext2 = _behind_dash(self.ext)
        ext3 = _behind_dash(ext2)
        host2 = _before_dot(self.host)
        host3 = _before_dot(host2)
        return {
            b"HOST": self.host,
            b"HOME": self.home,
            b"USER": self.user,
            b"LOCAL": self.local,
            b"RECIPIENT": self.recipient,
            b"DTLINE": self.delivered_to,
            b"SENDER": self.sender,
            b"RPLINE": self.return_path,
            b"UFLINE": self.from_line(seconds),
            b"EXT": self.ext,
            b"EXT2": ext2,
            b"EXT3": ext3,
            b"EXT4": _behind_dash(ext3),
            b"HOST2": host2,
            b"HOST3": host3,
            b"HOST4": _before_dot(host3),
        }


def _safe(ext: bytes) -> bytes:
    """The extension as a part of a file's name: no dots, so that it cannot lead out of the directory."""
    return ext.lower().replace(b".", b":")


def _behind_dash(text: bytes) -> bytes:
    return text.partition(b"-")[2]


def _before_dot(text: bytes) -> bytes:
    return text.rpartition(b".")[0] if b"." in text else text
