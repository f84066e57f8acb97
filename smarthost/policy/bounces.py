"""Who is told that a message could not be delivered, and who is a message from? (qmail-send.)

A message's bounce goes to its sender, from nobody. Nobody's bounce is a double bounce: it goes to the
postmaster, from `#@[]`, and what bounces that is thrown away.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NOBODY: Final = b""
DOUBLE: Final = b"#@[]"

# A list's owner-@host-@[] is owner-BOX=HOST@host to each recipient, so that a bounce says who bounced.
_PER_RECIPIENT: Final = b"-@[]"


def sender_to(recipient: bytes, sender: bytes) -> bytes:
    """The sender that this recipient sees."""
    if sender.endswith(_PER_RECIPIENT):
        box, at, host = sender[: -len(_PER_RECIPIENT)].rpartition(b"@")
        to_box, to_at, to_host = recipient.rpartition(b"@")
        if at and to_at:
            return b"%s%s=%s@%s" % (box, to_box, to_host, host)
    return sender


def blamed(sender: bytes) -> bytes:
    """Whom a bounce is about: the sender, of a list its owner."""
    return sender.removesuffix(_PER_RECIPIENT)


def envelope_of(blamed_sender: bytes, double_to: bytes) -> tuple[bytes, bytes] | None:
    """The bounce's own sender and its recipient; None if there is to be none."""
    if blamed_sender == DOUBLE:
        return None
    return (NOBODY, blamed_sender) if blamed_sender else (DOUBLE, double_to)
