"""What do qmail's control files say? One fact a file, or one a line (notqmail's control.c).

Blanks, tabs and newlines at the end of a line count for nothing. A `#` makes a comment only of a
file that is a list, and only as the first byte of a line.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_TRAILING: Final = b"\n \t"
_DIGITS: Final = b"0123456789"

# A number that is larger is taken for this one: it fits wherever the kernel is asked.
LARGEST: Final = 2**63 - 1


def line(content: bytes) -> bytes:
    """The first line: the fact of a file that holds one. Comments are not known here."""
    return content.partition(b"\n")[0].rstrip(_TRAILING)


def number(content: bytes) -> int | None:
    """The digits that the first line begins with; None, which is "not said", where there are none."""
    first = line(content)
    digits = first[: len(first) - len(first.lstrip(_DIGITS))].lstrip(b"0")
    if not digits:
        return 0 if first[:1] == b"0" else None
    return min(int(digits), LARGEST) if len(digits) <= len(str(LARGEST)) else LARGEST


def lines(content: bytes) -> list[bytes]:
    """The facts of a file that is a list. A zero byte ends one as a newline does, but for comments."""
    facts: list[bytes] = []
    for each in content.split(b"\n"):
        fact = each.rstrip(_TRAILING)
        if fact and fact[0] not in b"#\0":
            facts += fact.split(b"\0")
    return facts
