"""TAI64N labels, as multilog and tai64n write them and tai64nlocal reads them.

A label is 24 lowercase hexadecimal digits: 2^62 + 10 + the seconds since 1970 in 16, the nanoseconds
in 8. The ten seconds are what TAI was ahead of UTC in 1970; like the originals we let the system's
clock say what a second is. Source: cr.yp.to/libtai/tai64.html, daemontools' timestamp.c and tai64nlocal.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

EPOCH: Final = 4611686018427387914
DIGITS: Final = 24
LABEL: Final = 1 + DIGITS  # with its @

HEXADECIMAL: Final = b"0123456789abcdef"


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
