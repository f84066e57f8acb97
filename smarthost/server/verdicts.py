"""What becomes of a connection before its program sees it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.server.journal import Journal

    Changes = tuple[tuple[bytes, bytes | None], ...]

# What the process of a connection exits with.
ADMITTED: Final = 0
DENIED: Final = 100
DROPPED: Final = 111


class Verdict:
    """`status` is one of the above.

    described    both ends of the connection, for the log; with DROPPED the reason
    environment  changes for the program, None to remove
    news         what the server should remember of what a child found out
    """

    __slots__ = ("described", "environment", "news", "status")

    def __init__(self, status: int, described: bytes, environment: Changes = (), news: bytes = b"") -> None:
        self.status = status
        self.described = described
        self.environment = environment
        self.news = news

    def log(self, journal: Journal, pid: int) -> None:
        if self.status == DROPPED:
            journal.drop(self.described)
        else:
            journal.verdict(b"deny" if self.status else b"ok", pid, self.described)

    def marshallable(self) -> tuple[int, bytes, Changes]:
        return self.status, self.described, self.environment
