"""Whole blocks of lines, their TAI64N labels turned into local time as tai64nlocal writes it.

Where every label is regular (24 digits and a space), a block is taken apart by one expression and put together by
one format. What is not regular goes line by line.
"""

from __future__ import annotations

import sys
from array import array
from binascii import unhexlify
from itertools import groupby

from smarthost.errors import FormatError
from smarthost.formats.tai64 import DIGITS, EPOCH, HEXADECIMAL, moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    # What time.localtime is: the seconds since 1970 to (year, month, day, hour, minute, second, ...).
    LocalTime = Callable[[int], tuple[int, ...]]

# A label has no end but its first character that is not a digit. Only the last 24 digits count, so
# that of more than this many (no clock writes them) the first may be forgotten.
HELD_LIMIT: Final = 65536

# What a line is written with after its second, and after its hour.
_FRACTION: Final = b"%09d %b"
_MINUTE: Final = b"%b.%09d %b"

# Local time runs evenly over a quarter of an hour if it is an even one at both of its ends: where clocks are
# changed, or a second is added, they differ.
_QUARTER: Final = 900

# So many lines to a second make it worth while to look at each second by itself.
_BUSY: Final = 16

# And so many to a quarter of an hour, to look at that.
_FEW: Final = 4


class Localizer:
    """Turns the label that a line begins with into local time, block by block.

    A label whose year no calendar can hold stays as it is. A label that the end of a block cuts waits
    for its rest.
    """

    __slots__ = ("_at_start", "_held", "_localtime", "_of_hour", "_split")

    def __init__(self, localtime: LocalTime) -> None:
        self._localtime = localtime
        self._held = b""
        self._at_start = True
        self._of_hour: list[bytes] = []  # each second, as minute and second
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
        if tail[:1] == b"@" and not tail[1:].lstrip(HEXADECIMAL):
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
            or digits.translate(None, HEXADECIMAL)
            or b"\n@" in parts[-1][-DIGITS - 3 :]
        ):
            raise FormatError("not all labels have 24 digits and a space")
        if not count:
            return text
        numbers = array("I", unhexlify(digits))
        if sys.byteorder == "little":
            numbers.byteswap()
        layout, minutes = self._layout(numbers[::3], numbers[1::3])
        width = 3 if minutes else 2
        fields: list[bytes | int] = [0] * (width * count)
        if minutes:
            fields[::width] = minutes
        fields[width - 2 :: width] = numbers[2::3].tolist()
        fields[width - 1 :: width] = parts[2::2]
        return (parts[0] + layout % tuple(fields))[1:]

    def _layout(self, high: array[int], low: array[int]) -> tuple[bytes, list[bytes]]:
        """How lines are written from what follows: the minute, unless that is none of any, the nanoseconds and the
        rest of the line. `high` and `low` are the halves of their labels' seconds.
        """
        count = len(low)
        if high == high[:1] * count:
            offset = _since_1970(high[0] << 32)
            if low == low[:1] * count:  # most blocks are of one second
                return self._beginning(low[0] + offset) * count, []
            seconds = [second + offset for second in low]
        else:
            seconds = [_since_1970(above << 32 | below) for above, below in zip(high, low, strict=True)]
        if len(set(seconds)) * _BUSY <= count:
            runs = [(second, len(list(run))) for second, run in groupby(seconds)]
            return b"".join([self._beginning(second) * length for second, length in runs]), []
        first, last = min(seconds) // _QUARTER, max(seconds) // _QUARTER
        quarters = [first] * count if first == last else [second // _QUARTER for second in seconds]
        if len(set(quarters)) * _FEW > count:
            return b"".join([self._beginning(second) for second in seconds]), []
        return self._layout_by_quarters(seconds, quarters)

    def _layout_by_quarters(self, seconds: list[int], quarters: list[int]) -> tuple[bytes, list[bytes]]:
        layouts = []
        minutes: list[bytes] = []
        of_hour = self._of_hour or self._make_hour()
        for quarter, run in groupby(quarters):
            length = len(list(run))
            here = seconds[len(minutes) : len(minutes) + length]
            even = self._even_quarter(quarter)
            if even is not None:
                hour, shift = even
                layouts.append((b"\n" + hour + _MINUTE) * length)
                minutes += [of_hour[second + shift] for second in here]
                continue
            for second in here:
                shown = self._second(second)
                layouts.append(b"\n" + shown[:-6] + _MINUTE)
                minutes.append(shown[-6:-1])
        return b"".join(layouts), minutes

    def _beginning(self, second: int) -> bytes:
        return b"\n" + self._second(second) + _FRACTION

    def _even_quarter(self, quarter: int) -> tuple[bytes, int] | None:
        """The hour that a quarter of an hour is in, and what turns its seconds into those of the hour; None if local
        time does not run evenly there.
        """
        start = quarter * _QUARTER
        first, last = (self._localtime(second)[:6] for second in (start, start + _QUARTER - 1))
        into = first[4] * 60 + first[5]
        if first[:4] != last[:4] or last[4] * 60 + last[5] != into + _QUARTER - 1:
            return None
        return self._second(start)[:-6], into - start

    def _make_hour(self) -> list[bytes]:
        self._of_hour = [b"%02d:%02d" % divmod(second, 60) for second in range(3600)]
        return self._of_hour

    def _one(self, line: bytes) -> bytes:
        """One line, whatever it begins with."""
        if line[:1] != b"@":
            return line
        rest = line[1:].lstrip(HEXADECIMAL)
        seconds, nanoseconds = moment(line[1 : len(line) - len(rest)])
        try:
            return b"%b%09d%b" % (self._second(seconds), nanoseconds, rest)
        except (OverflowError, OSError, ValueError):
            return line

    def _second(self, seconds: int) -> bytes:
        """`1999-08-23 21:03:43.`; a year beyond C's int comes out as the original prints it."""
        year, month, day, hour, minute, second = self._localtime(seconds)[:6]
        return b"%d-%02d-%02d %02d:%02d:%02d." % (year % 2**64, month, day, hour, minute, second)


def _since_1970(second: int) -> int:
    return (second - EPOCH + 2**63) % 2**64 - 2**63
