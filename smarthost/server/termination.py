"""How SIGTERM ends a server at once, whatever it does just then, and is never lost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Terminated(BaseException):
    """SIGTERM arrived, or what means the same here."""


class Termination:
    """What SIGTERM does, and what a server may let other signals do.

    It breaks off what the loop does, be it a write that nobody reads. But Python loses an exception that is
    raised within a callback of its own, such as an import's: so the loop also looks whether it `came`, and before
    there is a loop nothing is raised.
    """

    def __init__(self) -> None:
        self.came = False
        self.breaks_off = False

    def __call__(self, *_: object) -> None:
        self.came = True
        if self.breaks_off:
            raise Terminated


terminate: Final = Termination()


def shrug(*_: object) -> None:
    """What a signal does that changes nothing. Not "ignored", which would outlive an exec."""
