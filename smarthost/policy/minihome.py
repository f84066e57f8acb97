"""What a mini-qmail home says about itself: the five control files, from the words of the command line."""

from __future__ import annotations

from smarthost.errors import FormatError
from smarthost.formats import qmqpserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

USAGE: Final = "smarthost domain plusdomain localhostname server ..."

# The files of the first four words, in their order; every further word is a line of the last file.
NAMED: Final = (b"me", b"defaultdomain", b"plusdomain", b"idhost")
SERVERS: Final = b"qmqpservers"


class ControlFile:
    """`lines` are what it shall hold, one word each."""

    __slots__ = ("lines", "name")

    def __init__(self, name: bytes, lines: Sequence[bytes]) -> None:
        self.name = name
        self.lines = tuple(lines)

    @property
    def content(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)

    @property
    def announcement(self) -> bytes:
        """A line for each word, as the mini-qmail kit says it."""
        return b"".join(b"Putting %b into control/%b. . .\n" % (line, self.name) for line in self.lines)


def plan(words: Sequence[bytes]) -> list[ControlFile]:
    """The files that the words make. Raises FormatError, with what is wrong, before anything is written."""
    if len(words) <= len(NAMED):
        raise FormatError("")
    for word in words:
        if not word or not all(33 <= byte < 127 for byte in word):
            raise FormatError(f"{_shown(word)} is not a host or domain name")
    for word in words[len(NAMED) :]:
        try:
            qmqpserver.parse(word)
        except FormatError as error:
            raise FormatError(f"{_shown(word)} is not a QMQP server: {error}") from None
    files = [ControlFile(name, [word]) for name, word in zip(NAMED, words, strict=False)]
    return [*files, ControlFile(SERVERS, words[len(NAMED) :])]


def _shown(word: bytes) -> str:
    return repr(word.decode("ascii", "replace"))
