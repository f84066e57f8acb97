"""Which messages does a QMQP server refuse, beyond those that the queue program does?

None, unless its administrator says so: there is no limit until there is a number for it. A message that
is refused is still read to its end, as a client does not listen before.
"""

from __future__ import annotations

from smarthost.formats import hops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    # The number for a name, 0 where there is none. It is asked when it is needed: most are not for most messages.
    Setting = Callable[[bytes], int]

DATABYTES: Final = b"databytes"
MAXHOPS: Final = b"maxhops"
MAXRECIPIENTS: Final = b"maxrecipients"

TOO_LARGE: Final = b"Dsorry, that message size exceeds my databytes limit (#5.3.4)"
TOO_MANY_HOPS: Final = b"Dtoo many hops, this message is looping (#5.4.6)"
TOO_MANY_RECIPIENTS: Final = b"Dsorry, that message has too many recipients (#5.5.3)"


class Inspection:
    """One message held against the limits as it comes. `refusal` is the reply if it is beyond one.

    databytes      the most bytes of a message
    maxhops        so many Received and Delivered-To fields are too many, as in qmail-smtpd
    maxrecipients  the most recipients of a message
    """

    __slots__ = ("_counter", "_recipients", "_setting", "refusal")

    def __init__(self, setting: Setting, size: int) -> None:
        self._setting = setting
        self._recipients = 0
        self._counter = hops.Counter()
        self.refusal = TOO_LARGE if 0 < setting(DATABYTES) < size else None

    def part(self, data: bytes | memoryview) -> None:
        """More of the message."""
        before = self._counter.hops
        self._counter.feed(data)
        if self._counter.hops > before and 0 < self._setting(MAXHOPS) <= self._counter.hops:
            self.refusal = self.refusal or TOO_MANY_HOPS

    def recipient(self) -> None:
        """One more of them."""
        self._recipients += 1
        if self._recipients > 1 and 0 < self._setting(MAXRECIPIENTS) < self._recipients:
            self.refusal = self.refusal or TOO_MANY_RECIPIENTS
