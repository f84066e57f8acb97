"""One step of looking after a log directory, and what its failure means.

Before the first line is read a failure ends the program. Later it is said, and the step is tried again after a
pause, however often: nothing is given up.
"""

from __future__ import annotations

from smarthost.errors import Temporary
from smarthost.unix import errtext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")
    # Told "unable to do this, pausing: reason"; comes back when it is time to try again.
    Pause = Callable[[str], None]
    # Told what went wrong where nothing waits for it.
    Warn = Callable[[str], None]


def attempt(what: str, step: Callable[..., Result], *arguments: object) -> Result:
    """Carry out one step before the first line is read. Raises Temporary."""
    try:
        return step(*arguments)
    except OSError as error:
        raise Temporary(f"unable to {what}: {errtext.reason(error)}") from error


def persist(pause: Pause, what: str, step: Callable[..., Result], *arguments: object) -> Result:
    """Carry out one step, however long it takes until it succeeds."""
    while True:
        try:
            return step(*arguments)
        except OSError as error:
            pause(f"unable to {what}, pausing: {errtext.reason(error)}")
