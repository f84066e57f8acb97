"""After a server failed: shall the next one be tried, and what is said in the end?

A connection that breaks before the last byte of the request was handed to the kernel leaves no
doubt: the server cannot have queued the message. One that breaks, or falls silent, after that does:
the server may have queued it, and its answer got lost. Trying another server may then deliver the
message twice; giving up makes the sender try again later, which may do the same. So one doubt is
accepted, and the second ends the search: at worst the message goes out twice, and it is never lost.
"""

from __future__ import annotations

from smarthost.policy import replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

DOUBTS_LIMIT: Final = 2


class Failure:
    """One server that gave no answer: the status it stands for, and whether it may have the message."""

    __slots__ = ("in_doubt", "status")

    def __init__(self, status: int, *, in_doubt: bool = False) -> None:
        self.status = status
        self.in_doubt = in_doubt


def may_go_on(failures: Sequence[Failure]) -> bool:
    """Whether another server may be given the message."""
    return sum(failure.in_doubt for failure in failures) < DOUBTS_LIMIT


def verdict(failures: Sequence[Failure]) -> int:
    """The status when no server answered: the last failure's, as in the original.

    With no server at all there is something wrong with the control file.
    """
    return failures[-1].status if failures else replies.NO_CONFIGURATION
