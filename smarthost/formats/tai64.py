"""TAI64N labels, as multilog and tai64n write them and tai64nlocal reads them.

A label is 24 lowercase hexadecimal digits: 2^62 + 10 + the seconds since 1970 in 16, the nanoseconds
in 8. The ten seconds are what TAI was ahead of UTC in 1970; like the originals we let the system's
clock say what a second is. Source: cr.yp.to/libtai/tai64.html, daemontools' timestamp.c and tai64nlocal.c.
"""

from __future__ import annotations

import sys
from array import array
from binascii import unhexlify
from itertools import groupby

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    # What time.localtime is: the seconds since 1970 to (year, month, day, hour, minute, second, ...).
    LocalTime = Callable[[int], tuple[int, ...]]

EPOCH: Final = 4611686018427387914
DIGITS: Final = 24
LABEL: Final = 1 + DIGITS  # with its @

# A label has no end but its first character that is not a digit. Only the last 24 digits count, so
# that of more than this many (no clock writes them) the first may be forgotten.
HELD_LIMIT: Final = 65536

_HEXADECIMAL: Final = b"0123456789abcdef"


def label(nanoseconds: int) -> bytes:
    """`@` and the label of a moment, given in nanoseconds since 1970.

    The clock is taken to the microsecond and every label ends in 500 ns, as the originals' do.
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return b"@%016x%08x" % ((EPOCH + seconds) & 0xFFFFFFFFFFFFFFFF, rest // 1000 * 1000 + 500)


def moment(digits: bytes) -> tuple[int, int]:
    """Seconds since 1970 and nanoseconds that any number of digits say, as the original reads them.

    It shifts the digits through 64 and 32 bits: the last 24 count, missing ones are zeros on the left.
    """
    value = int(digits[-DIGITS:] or b"0", 16)
    seconds = ((value >> 32) - EPOCH) & 0xFFFFFFFFFFFFFFFF
    return seconds - (seconds >> 63 << 64), value & 0xFFFFFFFF


class Localizer:
    """Turns the label that a line begins with into local time, block by block.

    A label whose year no calendar can hold stays as it is. A label that the end of a block cuts waits
    for its rest.
    """

    __slots__ = ("_at_start", "_held", "_localtime", "_split")

    def __init__(self, localtime: LocalTime) -> None:
        self._localtime = localtime
        self._held = b""
        self._at_start = True
        import re  # noqa: PLC0415  (who only writes labels does without it)

        self._split = re.compile(b"\n@(.{%d})" % (DIGITS + 1), re.DOTALL).split

    def feed(self, block: bytes) -> bytes:
        """What can be said once `block` has come."""
        if not self._at_start:
            end = block.find(b"\n") + 1
            if not end:
                return block
            return block[:end] + self._lines(block[end:])
        return self._lines(self._held + block)

    def _lines(self, text: bytes) -> bytes:
        """Convert from the start of a line, and remember how the text ends."""
        last = text.rfind(b"\n") + 1
        tail = text[last:]
        self._held = b""
        self._at_start = not tail
        if tail[:1] == b"@" and not tail[1:].lstrip(_HEXADECIMAL):
            self._at_start = True
            self._held = tail if len(tail) <= HELD_LIMIT else b"@" + tail[-DIGITS:]
            tail = b""
        if not text:
            return b""
        whole = text[:last]
        try:
            return self._regular(whole) + self._one(tail)
        except (FormatError, OverflowError, OSError, ValueError):
            return b"\n".join([self._one(line) for line in (whole + tail).split(b"\n")])

    def _regular(self, text: bytes) -> bytes:
        """Whole lines at once, if after each @ come 24 digits and a space; FormatError if not."""
        parts = self._split(b"\n" + text)
        heads = b"".join(parts[1::2])
        count = len(parts) // 2
        digits = heads.translate(None, b" ")
        # What the end of the text cut short was not found; it must not hide in the last part.
        if (
            heads[DIGITS :: DIGITS + 1] != b" " * count
            or len(digits) != DIGITS * count
            or digits.translate(None, _HEXADECIMAL)
            or b"\n@" in parts[-1][-DIGITS - 3 :]
        ):
            raise FormatError("not all labels have 24 digits and a space")
        numbers = array("I", unhexlify(digits))
        if sys.byteorder == "little":
            numbers.byteswap()
        fields: list[bytes | int] = [0] * (2 * count)
        fields[::2] = numbers[2::3].tolist()
        fields[1::2] = parts[2::2]
        # Lines of one second have one beginning, which goes into the format: few seconds make up a block.
        layout = b"".join([self._layout(second) * lines for second, lines in _runs(numbers)])
        return (parts[0] + layout % tuple(fields))[1:]

    def _layout(self, second: int) -> bytes:
        """How a line of that second is written from its nanoseconds and what follows its label."""
        signed = (second - EPOCH + 2**63) % 2**64 - 2**63
        return b"\n" + self._second(signed) + b"%09d %b"

    def _one(self, line: bytes) -> bytes:
        """One line, whatever it begins with."""
        if line[:1] != b"@":
            return line
        rest = line[1:].lstrip(_HEXADECIMAL)
        seconds, nanoseconds = moment(line[1 : len(line) - len(rest)])
        try:
            return b"%b%09d%b" % (self._second(seconds), nanoseconds, rest)
        except (OverflowError, OSError, ValueError):
            return line

    def _second(self, seconds: int) -> bytes:
        """`1999-08-23 21:03:43.`; a year beyond C's int comes out as the original prints it."""
        year, month, day, hour, minute, second = self._localtime(seconds)[:6]
        return b"%d-%02d-%02d %02d:%02d:%02d." % (year % 2**64, month, day, hour, minute, second)


def _runs(numbers: array[int]) -> Iterator[tuple[int, int]]:
    """The second of each run of lines, and their number; a line's label is three numbers of 32 bits."""
    high, low = numbers[::3], numbers[1::3]
    size = len(low)
    if not size:
        return
    # Most blocks are of one second: two comparisons of memory.
    if high == high[:1] * size:
        above = high[0] << 32
        if low == low[:1] * size:
            yield above | low[0], size
            return
        for below, run in groupby(low):
            yield above | below, len(list(run))
        return
    for second, run in groupby([above << 32 | below for above, below in zip(high, low, strict=True)]):
        yield second, len(list(run))
