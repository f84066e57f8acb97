"""What does a QMQP request say? One netstring of netstrings: message, sender, recipients.

Bytes go in as they arrive and events come out, so that a message of any size passes through without
being held: Begin, Part ..., Sender, Recipient ..., End. What follows the request is not looked at.
"""

from __future__ import annotations

from smarthost.errors import FormatError
from smarthost.formats import netstring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final

# An address that is as long is not accepted; the original's buffer has this size.
ADDRESS_LIMIT: Final = 1000

# The outermost length has nothing around it that bounds its zeros; the original's figure.
FIRST_LENGTH_LIMIT: Final = 100

COLON: Final = b":"
COMMA: Final = 0x2C


class Begin:
    """The message comes next and has `size` bytes."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size: Final = size


class Part:
    """Some of the message's bytes; valid until the decoder is fed again."""

    __slots__ = ("data",)

    def __init__(self, data: memoryview) -> None:
        self.data: Final = data


class Sender:
    """The envelope sender, or None if the address is one that cannot be accepted."""

    __slots__ = ("address",)

    def __init__(self, address: bytes | None) -> None:
        self.address: Final = address


class Recipient(Sender):
    """One envelope recipient, or None if the address is one that cannot be accepted."""

    __slots__ = ()


class End:
    """The request was complete."""

    __slots__ = ()


Event = Begin | Part | Sender | End


def _payload(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the payload of the netstring at `at` begins and ends; twice 0 if it is not plainly there before `end`."""
    colon = data.find(COLON, at, at + netstring.DIGITS_LIMIT + 1)
    if colon > at:
        digits = data[at:colon]
        if digits.isdigit():
            stop = colon + 1 + int(digits)
            if stop < end and data[stop] == COMMA:
                return colon + 1, stop
    return 0, 0


def at_once(data: bytes) -> list[Event] | None:
    """The events of a request that came in one piece, as most do; None where it takes a closer look.

    It says what RequestDecoder says, in a fifth of the time.
    """
    start, end = _payload(data, 0, len(data))
    if not start or end + 1 != len(data):
        return None
    at, stop = _payload(data, start, end)
    if not at:
        return None
    events: list[Event] = [Begin(stop - at)]
    if stop > at:
        events.append(Part(memoryview(data)[at:stop]))
    wraps: type[Sender] = Sender
    while stop + 1 < end:
        at, stop = _payload(data, stop + 1, end)
        if not at:
            return None
        address = data[at:stop]
        events.append(wraps(address if len(address) < ADDRESS_LIMIT and 0 not in address else None))
        wraps = Recipient
    if wraps is Sender:
        return None
    events.append(End())
    return events


class RequestDecoder:
    """Feed it what arrives until `done`."""

    __slots__ = ("_address", "_begun", "_length", "_room", "_stage", "_wraps", "done")

    def __init__(self) -> None:
        self.done = False
        self._begun = False
        self._stage: Callable[[bytes, int], tuple[int, Event | None]] = self._request_length
        # How many more bytes the netstring around what is being read can give.
        self._room = FIRST_LENGTH_LIMIT
        # The length being read, then how many bytes of its payload are still to come.
        self._length = 0
        # The address being read; None when it cannot be accepted and is only passed over.
        self._address: bytearray | None = None
        self._wraps: type[Sender] = Sender

    def feed(self, data: bytes) -> Iterable[Event]:
        """The events that these bytes complete.

        To ask for one raises FormatError as soon as no continuation could make a request of what came, and
        its kind netstring.TooLong for a length beyond what anyone may ask for.
        """
        whole = None if self._begun else at_once(data)
        self._begun = True
        if whole is None:
            return self._events(data)
        self.done = True
        return whole

    def _events(self, data: bytes) -> Iterator[Event]:
        at = 0
        while not self.done:
            if not self._room:
                raise FormatError("a netstring is longer than the one around it")
            if at == len(data):
                return
            at, event = self._stage(data, at)
            if event is not None:
                yield event

    def _take_length(self, data: bytes, at: int) -> tuple[int, bool]:
        """Read on in a length; whether that was the end of it."""
        limit = at + self._room
        colon = data.find(COLON, at, limit)
        end = colon if colon >= 0 else min(limit, len(data))
        self._length = netstring.extend(self._length, data[at:end])
        if colon < 0:
            self._room -= end - at
            return end, False
        self._room -= colon + 1 - at
        return colon + 1, True

    def _request_length(self, data: bytes, at: int) -> tuple[int, None]:
        at, whole = self._take_length(data, at)
        if whole:
            self._room, self._length = self._length, 0
            self._stage = self._message_length
        return at, None

    def _inner_length(self, data: bytes, at: int) -> tuple[int, bool]:
        at, whole = self._take_length(data, at)
        if whole and self._length >= self._room:  # its comma needs room too
            raise FormatError("a netstring is longer than the one around it")
        return at, whole

    def _message_length(self, data: bytes, at: int) -> tuple[int, Event | None]:
        at, whole = self._inner_length(data, at)
        if not whole:
            return at, None
        self._stage = self._message if self._length else self._comma
        return at, Begin(self._length)

    def _message(self, data: bytes, at: int) -> tuple[int, Event]:
        part = memoryview(data)[at : at + self._length]
        self._room -= len(part)
        self._length -= len(part)
        if not self._length:
            self._stage = self._comma
        return at + len(part), Part(part)

    def _comma(self, data: bytes, at: int) -> tuple[int, None]:
        """After the message, whose envelope follows."""
        self._pass_comma(data, at)
        self._stage = self._address_length
        return at + 1, None

    def _pass_comma(self, data: bytes, at: int) -> None:
        if data[at] != COMMA:
            raise FormatError("payload does not end in a comma")
        self._room -= 1

    def _address_length(self, data: bytes, at: int) -> tuple[int, None]:
        at, whole = self._inner_length(data, at)
        if whole:
            self._address = bytearray() if self._length < ADDRESS_LIMIT else None
            self._stage = self._address_bytes
        return at, None

    def _address_bytes(self, data: bytes, at: int) -> tuple[int, Event | None]:
        piece = data[at : at + self._length]
        self._length -= len(piece)
        self._room -= len(piece)
        if self._address is not None:
            self._address += piece
        at += len(piece)
        if self._length or at == len(data):
            return at, None
        return self._address_end(data, at)

    def _address_end(self, data: bytes, at: int) -> tuple[int, Event]:
        self._pass_comma(data, at)
        acceptable = self._address is not None and 0 not in self._address
        event = self._wraps(bytes(self._address or b"") if acceptable else None)
        self._wraps = Recipient
        if self._room:
            self._stage = self._address_length
        else:
            self._room = 1
            self._stage = self._last_comma
        return at + 1, event

    def _last_comma(self, data: bytes, at: int) -> tuple[int, Event]:
        self._pass_comma(data, at)
        self.done = True
        return at + 1, End()
