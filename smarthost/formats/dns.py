"""DNS questions and answers, as far as mail needs them: PTR, A, MX and AAAA (RFC 1035, RFC 3596).

A name is a tuple of labels here (bytes, at most 63 each), the root is the empty tuple.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    Name = tuple[bytes, ...]
    # An address as it is written (A, AAAA), a name (PTR), or an exchanger (MX).
    Record: TypeAlias = "bytes | Name | Exchanger"

A: Final = 1
PTR: Final = 12
MX: Final = 15
AAAA: Final = 28
INTERNET: Final = 1

NAME_ERROR: Final = 3
HEADER_SIZE: Final = 12
LABEL_LIMIT: Final = 63
NAME_LIMIT: Final = 255
# Each pointer must lead backwards, so a packet of 64 KiB cannot hold more useful ones than this.
POINTER_LIMIT: Final = 128

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")


class Exchanger:
    """Who takes a domain's mail: the smaller `preference` is preferred."""

    __slots__ = ("name", "preference")

    def __init__(self, preference: int, name: Name) -> None:
        self.preference = preference
        self.name = name


class ServerFailed(FormatError):
    """The server answers that it cannot answer: another one may."""


class Truncated(FormatError):
    """The answer did not fit: ask again by TCP."""


def name_from_text(text: bytes) -> Name:
    """A dotted name as labels, also as `text_from_name` writes them. Raises FormatError where it cannot be one."""
    labels = tuple(_plain(label) for label in text.split(b".") if label)
    if any(len(label) > LABEL_LIMIT for label in labels) or sum(map(len, labels)) + len(labels) >= NAME_LIMIT:
        raise FormatError("name is too long")
    return labels


def _plain(label: bytes) -> bytes:
    """A label without backslashes: three octal digits behind one are a byte."""
    first, *rest = label.split(b"\\")
    return first + b"".join(
        [
            bytes((int(part[:3], 8) & 0xFF,)) + part[3:]
            if len(part) >= 3 and not part[:3].strip(b"01234567")
            else b"\\" + part
            for part in rest
        ]
    )


def text_from_name(name: Name) -> bytes:
    """The name in small letters, dotted; what is not a letter, a digit, - or _ in octal after a backslash."""
    if not name:
        return b"."
    return b".".join(
        b"".join(bytes((byte,)) if byte in _PLAIN else b"\\%03o" % byte for byte in label.lower())
        for label in name
    )


def reverse_name(ip: bytes) -> Name:
    """Where the name of a dotted IPv4 address is found."""
    return (*reversed(ip.split(b".")), b"in-addr", b"arpa")


def question(identity: int, name: Name, kind: int) -> bytes:
    """A recursive query for one name."""
    wire = b"".join(bytes((len(label),)) + label for label in name) + b"\0"
    return (
        identity.to_bytes(2, "big")
        + b"\1\0\0\1\0\0\0\0\0\0"
        + wire
        + kind.to_bytes(2, "big")
        + INTERNET.to_bytes(2, "big")
    )


def answers(packet: bytes, query: bytes) -> list[Record] | None:
    """What a packet answers to `query`: the records of the kind that was asked for, in its order.

    None if the packet is not about this query. No such name is an empty list. Raises Truncated,
    ServerFailed, or FormatError for a packet that belongs to the query and makes no sense.
    """
    if len(packet) < HEADER_SIZE or packet[:2] != query[:2] or packet[4:6] != b"\0\1":
        return None
    asked, end = _name(query, HEADER_SIZE)
    try:
        echoed, position = _name(packet, HEADER_SIZE)
    except FormatError:
        return None
    if _lower(echoed) != _lower(asked) or packet[position : position + 4] != query[end : end + 4]:
        return None
    if packet[2] & 2:
        raise Truncated("answer is truncated")
    code = packet[3] & 15
    if code not in (0, NAME_ERROR):
        raise ServerFailed("server failed")
    return _records(packet, position + 4, query[end : end + 2])


def _records(packet: bytes, position: int, kind: bytes) -> list[Record]:
    found: list[Record] = []
    for _ in range(int.from_bytes(packet[6:8], "big")):
        _, position = _name(packet, position)
        head = packet[position : position + 10]
        if len(head) < 10:
            raise FormatError("record is cut off")
        start = position + 10
        position = start + int.from_bytes(head[8:10], "big")
        if position > len(packet):
            raise FormatError("record is cut off")
        if head[:2] != kind or head[2:4] != b"\0\1":
            continue
        record = _record(packet, start, position, int.from_bytes(kind, "big"))
        if record is not None:
            found.append(record)
    return found


def _record(packet: bytes, start: int, end: int, kind: int) -> Record | None:
    """What lies there; None for data of another size than it must have."""
    data = packet[start:end]
    if kind == PTR:
        return _name(packet, start)[0]
    if kind == MX:
        return (
            Exchanger(int.from_bytes(data[:2], "big"), _name(packet, start + 2)[0]) if len(data) > 2 else None
        )
    if kind == A:
        return b".".join([b"%d" % byte for byte in data]) if len(data) == 4 else None
    if len(data) != 16:
        return None
    return b":".join([b"%x" % int.from_bytes(data[at : at + 2], "big") for at in range(0, 16, 2)])


def _lower(name: Name) -> Name:
    return tuple(label.lower() for label in name)


def _name(packet: bytes, position: int) -> tuple[Name, int]:
    """The name at `position` and where what follows it begins."""
    labels: list[bytes] = []
    size = 0
    after = -1
    for _ in range(POINTER_LIMIT + NAME_LIMIT):
        if position >= len(packet):
            raise FormatError("name is cut off")
        length = packet[position]
        if length >= 0xC0:
            if position + 1 >= len(packet):
                raise FormatError("name is cut off")
            after = position + 2 if after < 0 else after
            position = (length & 0x3F) << 8 | packet[position + 1]
            continue
        if length > LABEL_LIMIT:
            raise FormatError("label of an unknown kind")
        position += 1
        if not length:
            return tuple(labels), position if after < 0 else after
        label = packet[position : position + length]
        size += length + 1
        if len(label) < length or size > NAME_LIMIT:
            raise FormatError("name is cut off or too long")
        labels.append(label)
        position += length
    raise FormatError("name runs in a circle")
