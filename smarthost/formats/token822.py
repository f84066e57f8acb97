"""What are the words of an address field? RFC 822's tokens, as leniently as qmail reads them (token822.c).

A token is a pair: its kind, and its text without quotes, brackets or backslashes. A field that is
taken apart and put together again looks the same but for blanks, folding and needless backslashes.
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    Token = tuple[int, bytes]

# Kinds whose text is a word.
ATOM: Final = 1
QUOTED: Final = 2
LITERAL: Final = 3
COMMENT: Final = 4
WORDS: Final = (ATOM, QUOTED, LITERAL, COMMENT)

# Kinds of one character: the kind is the character.
COMMA: Final = ord(",")
AT: Final = ord("@")
DOT: Final = ord(".")
LEFT: Final = ord("<")
RIGHT: Final = ord(">")
COLON: Final = ord(":")
SEMICOLON: Final = ord(";")

# A line of a rewritten field is folded when it would be longer than this.
LINE_LIMIT: Final = 80

_BLANKS: Final = b" \t\r\n"
_SPECIALS: Final = b".,@<>:;"
_ENDS_ATOM: Final = _BLANKS + b'(["' + _SPECIALS
_BACKSLASH: Final = ord("\\")
_BRACKETS: Final = {QUOTED: (b'"', b'"'), LITERAL: (b"[", b"]"), COMMENT: (b"(", b")")}
_KIND: Final = {ord(before): kind for kind, (before, _) in _BRACKETS.items()}
_OPENING: Final = ord("(")
_CLOSING: Final = {QUOTED: ord('"'), LITERAL: ord("]"), COMMENT: ord(")")}
# Bytes that an atom may have only if it is written as a quoted string.
_ATOM_TEXT: Final = bytes(byte for byte in range(32, 127) if byte not in b")]\\")
_ESCAPED: Final = b'\\"[]()\r\n'
_NEEDS_ESCAPE: Final = bytes(byte for byte in range(256) if byte not in _ESCAPED)

SINGLE: Final = {byte: (byte, bytes((byte,))) for byte in _SPECIALS}


class Unreadable(FormatError):
    """A field, or a part of one, that must be understood and cannot be."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


def tokens(text: bytes) -> list[Token]:
    """The tokens of a field, or of a part of one.

    Raises Unreadable for a quote or bracket that is never closed, or closed before it is opened.
    """
    found: list[Token] = []
    position = 0
    length = len(text)
    while position < length:
        byte = text[position]
        if byte in _SPECIALS:
            found.append(SINGLE[byte])
            position += 1
        elif byte in _BLANKS:
            position += 1
        elif byte in _KIND:
            kind = _KIND[byte]
            word, position = _enclosed(text, position + 1, kind)
            found.append((kind, word))
        elif byte in b")]":
            raise Unreadable(text)
        else:
            word, position = _atom(text, position)
            found.append((QUOTED if word.translate(None, _ATOM_TEXT) else ATOM, word))
    return found


def _enclosed(text: bytes, start: int, kind: int) -> tuple[bytes, int]:
    """What stands in the brackets up to theirs, and where it goes on behind. Comments nest, and lose the
    brackets of those inside.
    """
    closing = _CLOSING[kind]
    depth = 1
    word = bytearray()
    position = start
    try:
        while True:
            byte = text[position]
            if byte == closing:
                depth -= 1
                if not depth:
                    return bytes(word), position + 1
            elif kind == COMMENT and byte == _OPENING:
                depth += 1
            else:
                if byte == _BACKSLASH:
                    position += 1
                word.append(text[position])
            position += 1
    except IndexError:
        raise Unreadable(text) from None


def _atom(text: bytes, start: int) -> tuple[bytes, int]:
    """The word that begins here, and where it ends. A backslash makes the next byte part of it."""
    position = start
    word = bytearray()
    length = len(text)
    while True:
        if text[position] == _BACKSLASH:
            position += 1
            if position == length:
                break
        word.append(text[position])
        position += 1
        if position == length or text[position] in _ENDS_ATOM:
            break
    return bytes(word), position


def field(words: Sequence[Token], limit: int = LINE_LIMIT) -> bytes:
    """The tokens as a field with its newline, folded only behind commas, so that lines fit the limit."""
    line = bytearray()
    lines: list[bytes] = []
    piece = bytearray()  # what follows the last comma
    first = True
    before = 0
    for kind, text in words:
        if _apart(before, kind):
            piece += b" "
        before = kind
        if kind in _BRACKETS:
            opening, closing = _BRACKETS[kind]
            piece += opening + _escaped(text) + closing
        elif kind == ATOM:
            piece += _escaped(text)
        else:
            piece.append(kind)
        if kind == COMMA:
            if first or len(line) + len(piece) + 2 > limit:
                _start_line(lines, line, first=first)
            line += piece
            first = False
            piece.clear()
    if first or len(line) + len(piece) + 2 > limit:
        _start_line(lines, line, first=first)
    lines.append(bytes(line + piece))
    return b"\n".join(lines) + b"\n"


def _start_line(lines: list[bytes], line: bytearray, *, first: bool) -> None:
    """A line begins with a blank, but for the field's first; what is in `line` is done."""
    if not first:
        lines.append(bytes(line))
        line[:] = b" "


def _apart(before: int, kind: int) -> bool:
    """Whether a blank stands between two tokens of these kinds; 0 is none before."""
    if before in (COLON, COMMA):
        return True
    return before != 0 and (kind == LEFT or (before in WORDS and kind in WORDS))


def _escaped(text: bytes) -> bytes:
    for byte in text.translate(None, _NEEDS_ESCAPE) and _ESCAPED:
        text = text.replace(bytes((byte,)), b"\\" + bytes((byte,)))
    return text


def bare(words: Sequence[Token]) -> bytes:
    """The tokens as an address stands in an envelope: no quotes, no blanks, no comments."""
    return b"".join(
        b"[" + text + b"]" if kind == LITERAL else text for kind, text in words if kind != COMMENT
    )
