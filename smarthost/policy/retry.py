"""When is a message tried again? No clock: the Unix time is an argument.

Both schedules follow from a message's birth alone, so that nothing need be kept for them: where the
queue is taken over in between, it goes on as it would have.
"""

from __future__ import annotations

from math import isqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# nullmailer-send's, where control/pausetime and control/maxpause say nothing.
PAUSE: Final = 60
LONGEST_PAUSE: Final = 86400

# The steps of the quadratic schedule: local deliveries are tried more often, (10 n)^2 seconds after birth.
SKIPS: Final = (10, 20)


class Quadratic:
    """qmail's: the square root of the age grows by `skip` from try to try."""

    __slots__ = ("_skip",)

    def __init__(self, skip: int) -> None:
        self._skip = skip

    def after(self, birth: int, now: int) -> int:
        """The time of the next try, of a message that is tried now."""
        root = isqrt(now - birth) if now > birth else 0
        return birth + (root + self._skip) ** 2


class Doubling:
    """nullmailer's: after the first try a pause, and each is twice as long as the one before, up to `longest`."""

    __slots__ = ("_longest", "_pause")

    def __init__(self, pause: int, longest: int) -> None:
        self._pause = pause or PAUSE  # nullmailer-send ends after one run; a service has nothing to end for
        self._longest = max(longest, 1)

    def after(self, birth: int, now: int) -> int:
        pause = min(self._pause, self._longest)
        next_try = birth + pause
        while next_try <= now:
            pause = min(2 * pause, self._longest)
            if pause == self._longest:
                return next_try + ((now - next_try) // pause + 1) * pause
            next_try += pause
        return next_try
