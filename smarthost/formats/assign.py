"""Who is in charge of which addresses? users/assign, and the cdb that is made of it (qmail-users(5), qmail-newu.c).

    =local:user:uid:gid:homedir:dash:ext:      this address
    +loc:user:uid:gid:homedir:dash:pre:        every address that begins so; pre goes before the rest
    .                                          the end

In the cdb the first kind has the key `!local` and a zero byte, the second `!loc`, both in lower case, and
the data are the six fields with zero bytes between them. The empty key has the bytes that a `loc` may
end in: no other needs to be tried.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final

FIELDS: Final = 6

_SEPARATOR: Final = b":"
_ZERO: Final = b"\0"
_MARK: Final = b"!"

# How many records are made at a time.
BATCH: Final = 1000

# As unsigned numbers of the kernel; one more means "no change" to it.
LAST_ID: Final = 2**32 - 2


class Assignment:
    """Who is in charge of one address, and which .qmail file."""

    __slots__ = ("dash", "ext", "gid", "home", "uid", "user")

    def __init__(self, *, user: bytes, uid: int, gid: int, home: bytes, dash: bytes, ext: bytes) -> None:
        self.user: Final = user
        self.uid: Final = uid
        self.gid: Final = gid
        self.home: Final = home
        self.dash: Final = dash
        self.ext: Final = ext


def assignment(data: bytes) -> Assignment:
    """From six fields, each with a zero byte behind it. Raises FormatError.

    Digits that a number does not begin with make it 0, as the originals read it: that is root's, and refused.
    """
    fields = data.split(_ZERO)
    if len(fields) <= FIELDS:
        raise FormatError("fields are missing")
    user, uid, gid, home, dash, ext = fields[:FIELDS]
    return Assignment(user=user, uid=_number(uid), gid=_number(gid), home=home, dash=dash, ext=ext)


def _number(text: bytes) -> int:
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))].lstrip(b"0")
    if len(digits) > len(str(LAST_ID)) or int(digits or b"0") > LAST_ID:
        raise FormatError("a number is too large")
    return int(digits or b"0")


def find(get: Callable[[bytes], bytes | None], local: bytes) -> bytes | None:
    """The data for an address, each field with a zero byte behind it; None if nobody is in charge of it.

    `get` looks a key up. Raises FormatError if that is no cdb of assignments.
    """
    endings = get(b"")
    if endings is None:
        raise FormatError("no list of endings")
    lower = local.lower()
    data = get(_MARK + lower + _ZERO)
    if data is not None:
        return data + _ZERO
    for end in range(len(lower), -1, -1):
        if end == 0 or lower[end - 1 : end] in endings:
            data = get(_MARK + lower[:end])
            if data is not None:
                return data + local[end:] + _ZERO
    return None


def records(lines: Iterable[bytes]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """The records of the cdb, as lists of keys and of data. Raises FormatError if the file is not one."""
    endings = b""
    keys: list[bytes] = []
    data: list[bytes] = []
    for line in lines:
        if line.startswith(b"."):
            yield [*keys, b""], [*data, endings]
            return
        address, _, rest = line.partition(_SEPARATOR)
        fields = rest.split(_SEPARATOR, FIELDS)
        if not line.endswith(b"\n") or _ZERO in line or not address or len(fields) <= FIELDS:
            raise FormatError("not an assignment")
        if address.startswith(b"+"):
            keys.append(_MARK + address[1:].lower())
            if address[1:] and address[-1:] not in endings:
                endings += address[-1:]
        else:
            keys.append(_MARK + address[1:].lower() + _ZERO)
        data.append(_ZERO.join(fields[:FIELDS]))
        if len(keys) >= BATCH:
            yield keys, data
            keys, data = [], []
    raise FormatError("no line with a dot at the end")
