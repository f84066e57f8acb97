"""The control files of one home: each is read when it is asked for, so that a change counts at once.

A missing file is an answer. Every other failure to read one is OSError, with the file's path: who
took an unreadable file for a missing one would fall back to a default that nobody chose.
"""

from __future__ import annotations

import os

from smarthost.formats import control
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ME: Final = b"me"


class Controls:
    """HOME/control. Names are those of its files: b"databytes"."""

    __slots__ = ("directory",)

    def __init__(self, home: bytes) -> None:
        self.directory = home + b"/control"

    def content(self, name: bytes) -> bytes | None:
        """All that is in the file; None if there is none."""
        path = self.directory + b"/" + name
        try:
            descriptor = files.open_read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            error.filename = path
            raise
        try:
            return b"".join(files.blocks(descriptor))
        except OSError as error:
            error.filename = path
            raise
        finally:
            os.close(descriptor)

    def line(self, name: bytes, *, or_me: bool = False) -> bytes | None:
        """The fact of a file that holds one; if there is no file and `or_me`, what control/me says."""
        content = self.content(name)
        if content is not None:
            return control.line(content)
        return self.line(ME) if or_me else None

    def number(self, name: bytes) -> int | None:
        """The number in the file; None if there is none, or no file."""
        content = self.content(name)
        return None if content is None else control.number(content)

    def setting(self, name: bytes) -> int:
        """The number in the file, or in the variable of that name in capitals, which a rule may set for one
        client; 0 if there is none.
        """
        said = os.environb.get(name.upper())
        number = self.number(name) if said is None else control.number(said)
        return number or 0

    def lines(self, name: bytes, *, or_me: bool = False) -> list[bytes] | None:
        """The facts of a file that is a list; if there is no file and `or_me`, what control/me says."""
        content = self.content(name)
        if content is not None:
            return control.lines(content)
        me = self.line(ME) if or_me else None
        return None if me is None else [me]
