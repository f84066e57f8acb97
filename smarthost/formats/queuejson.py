"""A queued message as JSON, on one line."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smarthost.formats.queuelisting import Message, Recipient


def pieces(message: Message, recipients: Iterable[Recipient]) -> Iterator[bytes]:
    """The line, piece by piece: there may be any number of recipients."""
    head = {
        "number": message.number,
        "size": message.size,
        "arrived": message.arrived,
        "sender": _text(message.sender),
        "new": message.is_new,
        "held": message.is_held,
        "bouncing": message.is_bouncing,
    }
    yield json.dumps(head).encode()[:-1] + b', "recipients": ['
    comma = b""
    for recipient in recipients:
        each = {
            "address": _text(recipient.address),
            "channel": recipient.channel.decode() or None,
            "done": recipient.is_done,
            "error": _text(recipient.error) if recipient.error else None,
        }
        yield comma + json.dumps(each).encode()
        comma = b", "
    yield b"]}\n"


def _text(text: bytes) -> str:
    """Bytes that are no UTF-8 as a backslash, x and their value: JSON has no other place for them."""
    return text.decode(errors="backslashreplace")
