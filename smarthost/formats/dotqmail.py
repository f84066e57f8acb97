"""What does a .qmail file say? Its lines as instructions, in order (dot-qmail(5), qmail-local.c).

Blanks and tabs at a line's end count for nothing. A zero byte ends an instruction for whoever carries
it out, as it would in C, but not when it is shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAILDIR: Final = b"maildir"
MBOX: Final = b"mbox"
PROGRAM: Final = b"program"
FORWARD: Final = b"forward"
# From here on only forwards are allowed, as in a file that has the x bit.
FORWARD_ONLY: Final = b"list"
# The first line has nothing on it: who wrote it may not have finished.
BLANK: Final = b"blank"

_TRAILING: Final = b" \t"
_LIST: Final = b"+list"


class Instruction:
    """`kind` is one of the above, `shown` what `qmail-local -n` shows of it."""

    __slots__ = ("kind", "shown")

    def __init__(self, kind: bytes, shown: bytes = b"") -> None:
        self.kind: Final = kind
        self.shown: Final = shown

    @property
    def text(self) -> bytes:
        """The file, the command or the address."""
        return self.shown.partition(b"\0")[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instruction) and (self.kind, self.shown) == (other.kind, other.shown)

    def __hash__(self) -> int:
        return hash((self.kind, self.shown))

    def __repr__(self) -> str:
        return f"Instruction({self.kind!r}, {self.shown!r})"


def instructions(content: bytes) -> list[Instruction]:
    """Every line that is to be followed; comments and blank lines are left out, but for a blank first one."""
    found = []
    lines = content.removesuffix(b"\n").split(b"\n")
    for number, untrimmed in enumerate(lines):
        line = untrimmed.rstrip(_TRAILING)
        first = line[:1]
        if first in (b"", b"\0"):
            if number == 0:
                found.append(Instruction(BLANK))
        elif first in (b".", b"/"):
            found.append(Instruction(MAILDIR if line.endswith(b"/") else MBOX, line))
        elif first == b"|":
            found.append(Instruction(PROGRAM, line[1:]))
        elif first == b"+":
            if line.partition(b"\0")[0] == _LIST:
                found.append(Instruction(FORWARD_ONLY))
        elif first != b"#":
            found.append(Instruction(FORWARD, line[1:] if first == b"&" else line))
    return found
