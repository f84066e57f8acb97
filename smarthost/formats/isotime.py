"""UTC as ISO 8601 and RFC 3339 write it, to the microsecond: 2026-11-27T07:09:37.155920Z.

Always as many characters, so that stamps sort as the moments do.
"""

from __future__ import annotations

import time


def stamp(nanoseconds: int) -> bytes:
    """A moment, given in nanoseconds since 1970. Raises OverflowError or ValueError beyond the calendar."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % (year, month, day, hour, minute, second, rest // 1000)
