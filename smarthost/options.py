"""How arguments are read: getopt as the originals have it (their sgetopt), with values checked.

Options stand before the first argument that is none and come out in the order given, repeated ones
too, because the originals' meaning depends on it (`softlimit -m 100 -d 200`, `tcpserver -H -h`). A
word that begins with -- ends them, whatever follows the two.

Not click, which the administration programs use: it brings threading and 4 MB into the process, and
a server that forks pays for both at every connection (2.4 ms a fork with it, 0.6 ms without).
"""

from __future__ import annotations

import os

from smarthost.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    Kind = Callable[[bytes], Any]

# More digits than any number here can have, leading zeros included.
DIGITS_LIMIT: Final = 40


def number(most: int = 2**64 - 1) -> Kind:
    """A whole number as the originals write it: digits and nothing else, at most `most`."""

    def convert(value: bytes) -> int:
        if not value.isdigit():
            raise ValueError("not a whole number")
        if len(value) > DIGITS_LIMIT or int(value) > most:
            raise ValueError(f"more than {most}")
        return int(value)

    return convert


def anything(value: bytes) -> bytes:
    return value


class Chain:
    """The options of one link of an exec chain.

    usage   what follows "NAME: usage: "
    flags   the letters that take no value
    values  the letters that take one, and what it must be
    """

    def __init__(self, usage: str, flags: str = "", values: Mapping[str, Kind] | None = None) -> None:
        self.usage = usage
        self._flags = flags
        self._values = values or {}

    def parse(self, arguments: list[bytes]) -> tuple[list[tuple[str, Any]], list[bytes]]:
        """The options as (letter, value or True) in the order given, and what follows them.

        Raises UsageError for an option that does not exist, lacks its value or has a bad one.
        """
        given: list[tuple[str, Any]] = []
        position = 0
        while position < len(arguments):
            word = arguments[position]
            if not word.startswith(b"-") or word == b"-":
                break
            position += 1
            if word.startswith(b"--"):
                break
            letters = os.fsdecode(word[1:])
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in self._flags:
                    given.append((letter, True))
                elif letter not in self._values:
                    raise UsageError(self.usage, f"illegal option -- {letter}")
                elif letters:
                    given.append((letter, self._convert(letter, os.fsencode(letters))))
                    letters = ""
                elif position < len(arguments):
                    given.append((letter, self._convert(letter, arguments[position])))
                    position += 1
                else:
                    raise UsageError(self.usage, f"option requires an argument -- {letter}")
        return given, arguments[position:]

    def _convert(self, letter: str, value: bytes) -> Any:
        try:
            return self._values[letter](value)
        except ValueError as error:
            shown = os.fsdecode(value)
            raise UsageError(self.usage, f"option -{letter}: {shown}: {error}") from None
