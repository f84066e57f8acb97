"""What does a netstring say? Digits, a colon, that many bytes, a comma.

Lengths are read as leniently as qmail's programs read them, because clients may count on it: no
digits at all mean 0, and zeros may stand in front.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# The originals take no further digit once the length is beyond this.
LENGTH_LIMIT: Final = 200_000_000

# So no length in use has more digits (but for zeros in front), and no more are converted.
DIGITS_LIMIT: Final = 10


class TooLong(FormatError):
    """The length is more than anyone may ask for."""


def encode(payload: bytes) -> bytes:
    return b"%d:%s," % (len(payload), payload)


def extend(length: int, digits: bytes) -> int:
    """The length, when these bytes follow those that said `length` so far (0 at the start).

    However many zeros come, in however many pieces, nothing is kept but the number. Raises TooLong
    for a digit too many, FormatError for what is no digit; what comes first counts.
    """
    if not digits:
        return length
    if not digits.isdigit():
        good = next(at for at in range(len(digits)) if not digits[at : at + 1].isdigit())
        if extend(length, digits[:good]) > LENGTH_LIMIT:
            raise TooLong("length is too large")
        raise FormatError("length is not a number")
    counting = digits if length else digits.lstrip(b"0")
    if len(counting) > DIGITS_LIMIT:
        raise TooLong("length has too many digits")
    length = length * 10 ** len(counting) + int(counting or b"0")
    if length // 10 > LENGTH_LIMIT:
        raise TooLong("length is too large")
    return length
