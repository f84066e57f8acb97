"""Which tokens of a field are its addresses? Read from right to left, where RFC 822 is easiest (token822.c).

The reading is lenient as qmail's is: commas that were forgotten are supplied, a comment inside an
address comes out behind it, and what is in brackets is an address whatever it looks like.
"""

from __future__ import annotations

from smarthost.errors import FormatError
from smarthost.formats import token822 as t

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    Rewrite = Callable[[list[t.Token]], list[t.Token]]

# The field's name and its colon.
HEAD: Final = 2

# What may stand before an address in brackets as somebody's name.
_PHRASE: Final = (t.COMMENT, t.ATOM, t.QUOTED, t.AT, t.DOT)


def rewritten(field: Sequence[t.Token], rewrite: Rewrite) -> list[t.Token]:
    """The field's tokens, with each address replaced by what `rewrite` makes of it, the last one first.

    Raises FormatError for groups that are nested or not closed, and a > without its <; by then
    `rewrite` has seen the addresses to the right.
    """
    reader = _Reader(field, rewrite)
    while reader.position >= HEAD:
        reader.step()
    reader.flush()
    return [*field[:HEAD], *reversed(reader.done)]


class _Reader:
    """done and address grow from right to left."""

    __slots__ = ("address", "done", "field", "in_group", "position", "rewrite", "word_fits")

    def __init__(self, field: Sequence[t.Token], rewrite: Rewrite) -> None:
        self.field = field
        self.position = len(field) - 1
        self.rewrite = rewrite
        self.done: list[t.Token] = []
        self.address: list[t.Token] = []
        self.in_group = False
        self.word_fits = True  # no word stands directly to the right, which would make two addresses

    def step(self) -> None:
        """Take one token, or an address in brackets with its phrase, or a group's name."""
        kind = self.field[self.position][0]
        if kind == t.SEMICOLON:
            self.flush(comma=True)
            if self.in_group:
                raise FormatError("a group ends inside a group")
            self.in_group = True
            self.word_fits = True
            self.keep()
        elif kind == t.COLON:
            self.flush()
            if not self.in_group:
                raise FormatError("a group begins that does not end")
            self.in_group = False
            self.group_name()
            self.word_fits = True
        elif kind == t.RIGHT:
            self.flush(comma=True)
            self.bracketed()
            self.word_fits = False
        elif kind in (t.ATOM, t.QUOTED, t.LITERAL):
            if not self.word_fits:
                self.flush(comma=True)
            self.word_fits = False
            self.gather()
        elif kind == t.COMMENT:
            self.keep()
        elif kind == t.COMMA:
            self.flush()
            self.word_fits = True
            self.keep()
        else:
            self.word_fits = True
            self.gather()

    def keep(self) -> None:
        self.done.append(self.field[self.position])
        self.position -= 1

    def gather(self) -> None:
        self.address.append(self.field[self.position])
        self.position -= 1

    def ahead(self) -> int:
        """The kind of the next token to the left, 0 at the field's beginning."""
        return self.field[self.position][0] if self.position >= HEAD else 0

    def bracketed(self) -> None:
        self.keep()
        while self.ahead() not in (t.LEFT, 0):
            self.gather()
        self.finish()
        if not self.ahead():
            raise FormatError("> without <")
        self.keep()
        while self.ahead() in _PHRASE:
            self.keep()

    def group_name(self) -> None:
        while self.ahead() not in (t.COMMA, 0):
            self.keep()
        if self.ahead():
            self.keep()

    def flush(self, *, comma: bool = False) -> None:
        """An address ends here, if there is one; `comma` where the field may not have one to its left."""
        if self.address:
            self.finish()
            if comma:
                self.done.append(t.SINGLE[t.COMMA])

    def finish(self) -> None:
        """The address is complete, even if it is empty: <>."""
        self.done.extend(reversed(self.rewrite(self.address[::-1])))
        self.address = []
