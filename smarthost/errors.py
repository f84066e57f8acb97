"""Whose fault is it, and which exit status says so?

100: asking again will not help.  111: it may.
"""

from __future__ import annotations


class ProgramError(Exception):
    """A program's last words. `ending.run` turns it into one line on stderr and an exit status."""

    status = 111

    def line(self, program: str) -> str:
        return f"{program}: fatal: {self}\n"


class Permanent(ProgramError):
    """Asking again will not help."""

    status = 100


class Temporary(ProgramError):
    """Asking again may help."""


class Bounced(Permanent):
    """A delivery will never succeed. The words are for the sender of the message, who knows no programs."""

    def line(self, program: str) -> str:
        del program
        return f"{self}\n"


class Deferred(Temporary):
    """A delivery did not succeed yet. The words are for the log."""

    def line(self, program: str) -> str:
        del program
        return f"{self}\n"


class UsageError(Permanent):
    """The arguments make no sense: `usage` is what the originals print, `problem` their line above it."""

    def __init__(self, usage: str, problem: str = "") -> None:
        super().__init__(usage)
        self.problem = problem

    def line(self, program: str) -> str:
        problem = f"{program}: {self.problem}\n" if self.problem else ""
        return f"{problem}{program}: usage: {self}\n"


class FormatError(ValueError):
    """Bytes that do not say what they should. Raised by `formats`, never shown as it is."""
