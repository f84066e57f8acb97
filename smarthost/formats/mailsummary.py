"""A message on a few lines of a terminal: who sent it to whom, and how it begins."""

from __future__ import annotations

from smarthost.formats import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

# As much of subject and body as fills two lines of 80 columns, with room for their ends.
TEXT_LIMIT: Final = 158

_BOLD: Final = b"\033[1m"
_PLAIN: Final = b"\033[0m"


def summary(lines: Iterable[bytes]) -> bytes:
    """The lines shown for a message of these lines; reads no more of them than it needs.

    The last field of a name counts, but for Subject. Bytes that would move the cursor are not shown.
    """
    sender = recipient = b"?"
    author = text = b""
    for is_field, part in fields.split(lines):
        if not is_field:
            text += part
            if len(text) >= TEXT_LIMIT:
                break
            continue
        name, value = fields.name(part), fields.value(part)
        if name == b"subject":
            text = (text + value)[:TEXT_LIMIT]
        elif name == b"from":
            author = part[:-1]
        elif name == b"delivered-to" and value:
            recipient = value[:-1]
        elif name == b"return-path" and value:
            sender = value[:-1]
    first = b"FROM " + _shown(sender, b"?") + b" TO <" + _shown(recipient, b"?") + b">\n"
    second = _BOLD + _shown(author, b"/") + _PLAIN + b"\n" if author else b""
    return first + second + _shown(text[:TEXT_LIMIT], b"/") + b"\n\n"


def _shown(text: bytes, instead: bytes) -> bytes:
    return bytes(byte if 32 <= byte < 127 else instead[0] for byte in text)
