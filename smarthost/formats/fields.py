"""Where a message's header ends, and which fields it has, as qmail's programs see it (headerbody.c, hfield.c).

A field is kept as it was written: name, colon, value, continuation lines, each line with its newline.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

# An mbox's From_ line, where one stands among the fields.
MBOX_LINE: Final = b"MBOX-Line: "

_BLANKS: Final = b" \t"


def split(lines: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """(True, field) for each field, then (False, line) for each line of the body.

    The body's first line is the empty one that ends the header. It is supplied where a line that
    is no field ends it; a message that ends with its header has no body at all.
    """
    incoming = map(_ended, lines)
    field = b""
    for line in incoming:
        if field and line[0] in _BLANKS:
            field += line
            continue
        if field:
            yield True, field
        if line == b"\n":
            yield False, line
            break
        if line.startswith(b"From "):
            field = MBOX_LINE + line
        elif is_field(line):
            field = line
        else:
            yield False, b"\n"
            yield False, line
            break
    else:
        if field:
            yield True, field
        return
    for line in incoming:
        yield False, line


def is_field(line: bytes) -> bool:
    """Whether a line begins with a name (printable, no blanks inside) and a colon."""
    written, colon, _ = line.partition(b":")
    written = written.rstrip(_BLANKS)
    return bool(colon and written) and all(33 <= byte < 127 for byte in written)


def name(field: bytes) -> bytes:
    """The field's name, in lower case."""
    return field.partition(b":")[0].rstrip(_BLANKS).lower()


def value(field: bytes) -> bytes:
    """What follows the colon and the white space after it, to the end of the field's last line."""
    return field.partition(b":")[2].lstrip(b" \t\r\n")


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"
