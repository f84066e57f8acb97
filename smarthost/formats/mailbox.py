"""How is an envelope's address written where RFC 822 applies? With as few quotes as possible (quote.c)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PLAIN: Final = b"!#$%&'*+-./=?^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPED: Final = b'\\\r\n"'


def needs_quotes(box: bytes) -> bool:
    """Whether a box (what stands before the @) would be misread without quotes."""
    dots = box.startswith(b".") or box.endswith(b".") or b".." in box
    return not box or dots or bool(box.translate(None, _PLAIN))


def quoted_box(box: bytes) -> bytes:
    """The box, in quotes if it needs them."""
    if not needs_quotes(box):
        return box
    for byte in _ESCAPED:
        box = box.replace(bytes((byte,)), b"\\" + bytes((byte,)))
    return b'"' + box + b'"'


def quoted(address: bytes) -> bytes:
    """The address with its box quoted if need be. The empty address stays empty; the host stays as it is."""
    if not address:
        return b""
    box, at, host = address.rpartition(b"@")
    return quoted_box(box) + at + host if at else quoted_box(address)
