"""A queued message, as it is shown to people.

Addresses and errors come from anywhere. Bytes that would move a cursor are shown as ?.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

LOCAL: Final = b"local"
REMOTE: Final = b"remote"

# Control characters, and those that hide in UTF-8 as two bytes.
_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160)), "?")
_PLAIN: Final = bytes(byte if 32 <= byte < 127 else 63 for byte in range(256))

_UNITS: Final = ((86400, b"day"), (3600, b"hour"), (60, b"minute"))


class Message:
    """What is known of a message but its recipients.

    number, size   as they are
    arrived        when it came, or was looked at, in seconds since 1970
    sender         its envelope's
    is_new         qmail-send has not looked at it yet: it does not know which recipients are local
    is_bouncing    some recipient failed for good, and that will be said to the sender
    is_held        nothing of it is delivered until it is released
    """

    __slots__ = ("arrived", "is_bouncing", "is_held", "is_new", "number", "sender", "size")

    def __init__(
        self,
        number: int,
        size: int,
        arrived: int,
        sender: bytes,
        *,
        is_new: bool,
        is_bouncing: bool,
        is_held: bool,
    ) -> None:
        self.number: Final = number
        self.size: Final = size
        self.arrived: Final = arrived
        self.sender: Final = sender
        self.is_new: Final = is_new
        self.is_bouncing: Final = is_bouncing
        self.is_held: Final = is_held

    @property
    def states(self) -> list[str]:
        words = (("new", self.is_new), ("held", self.is_held), ("bouncing", self.is_bouncing))
        return [word for word, is_so in words if is_so]


class Recipient:
    """One recipient. `channel` is LOCAL or REMOTE, or empty where nobody knows yet; `error` is the last, if any."""

    __slots__ = ("address", "channel", "error", "is_done")

    def __init__(self, channel: bytes, address: bytes, error: bytes = b"", *, is_done: bool = False) -> None:
        self.channel: Final = channel
        self.address: Final = address
        self.error: Final = error
        self.is_done: Final = is_done


def shown(text: bytes) -> bytes:
    """Without what a terminal takes for more than text. UTF-8 stays readable."""
    if text.isascii():
        return text.translate(_PLAIN)
    try:
        return text.decode().translate(_CONTROLS).encode()
    except UnicodeDecodeError:
        return text.translate(_PLAIN)


def age(seconds: int) -> bytes:
    """How long ago: in one unit, of which there are two at least."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return b"%d %ss" % (seconds // length, unit)
    seconds = max(seconds, 0)
    return b"1 second" if seconds == 1 else b"%d seconds" % seconds


def lines(
    message: Message, recipients: Iterable[Recipient], now: int, *, done: bool = False
) -> Iterator[bytes]:
    """The message on lines: its own, one for each recipient to come, one for each error.

    done: also recipients that are done.
    """
    states = "".join(f", {state}" for state in message.states).encode()
    yield b"%d  %d bytes, %s, from <%s>%s\n" % (
        message.number,
        message.size,
        age(now - message.arrived),
        shown(message.sender),
        states,
    )
    for recipient in recipients:
        if recipient.is_done and not done:
            continue
        word = b"done" if recipient.is_done else b"to"
        where = b" (local)" if recipient.channel == LOCAL else b""
        yield b"  %s <%s>%s\n" % (word, shown(recipient.address), where)
        if recipient.error:
            yield b"     %s\n" % shown(recipient.error)


def summary(count: int, new: int, held: int) -> bytes:
    """The listing's last line."""
    if not count:
        return b"Mail queue is empty\n"
    parts = [b"1 message" if count == 1 else b"%d messages" % count]
    parts += [b"%d %s" % (number, word) for number, word in ((new, b"new"), (held, b"held")) if number]
    return b", ".join(parts) + b"\n"
