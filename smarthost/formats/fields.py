"""Where a message's header ends, and which fields it has, as qmail's programs see it (headerbody.c, hfield.c).

A field is kept as it was written: name, colon, value, continuation lines, each line with its newline.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Final

# An mbox's From_ line, where one stands among the fields.
MBOX_LINE: Final = b"MBOX-Line: "

_BLANKS: Final = b" \t"
_PRINTABLE: Final = bytes(range(33, 127))


def header(lines: Iterable[bytes]) -> Generator[bytes, None, list[bytes]]:
    """Each field; answers (`yield from`) the lines of the body that were read to see where it begins.

    The body's first line is the empty one that ends the header. It is supplied where a line that
    is no field ends it; a message that ends with its header has no body at all.
    """
    field: list[bytes] = []
    for line in map(_ended, lines):
        if field and line[0] in _BLANKS:
            field.append(line)
            continue
        if field:
            yield b"".join(field)
        if line == b"\n":
            return [line]
        if line.startswith(b"From "):
            field = [MBOX_LINE, line]
        elif is_field(line):
            field = [line]
        else:
            return [b"\n", line]
    if field:
        yield b"".join(field)
    return []


def split(lines: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """(True, field) for each field, then (False, line) for each line of the body."""
    incoming = iter(lines)
    reading = header(incoming)
    while True:
        try:
            yield True, next(reading)
        except StopIteration as ended:
            body = ended.value
            break
    for line in body:
        yield False, line
    for line in incoming:
        yield False, _ended(line)


def is_field(line: bytes) -> bool:
    """Whether a line begins with a name (printable, no blanks inside) and a colon."""
    written, colon, _ = line.partition(b":")
    written = written.rstrip(_BLANKS)
    return bool(colon and written) and not written.translate(None, _PRINTABLE)


def name(field: bytes) -> bytes:
    """The field's name, in lower case."""
    return field.partition(b":")[0].rstrip(_BLANKS).lower()


def value(field: bytes) -> bytes:
    """What follows the colon and the white space after it, to the end of the field's last line."""
    return field.partition(b":")[2].lstrip(b" \t\r\n")


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"
