"""Is a service in the state that somebody waits for?

up       it is up
ready    it is up, and has said that it is ready, if it says so at all
restart  it is ready, in another process than at first
down     it is down, its ./finish has ended, and it is not about to be started
"""

from __future__ import annotations

from smarthost.formats import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

UP: Final = b"up"
READY: Final = b"ready"
RESTART: Final = b"restart"
DOWN: Final = b"down"
STATES: Final = (UP, READY, RESTART, DOWN)


class View:
    """How a service is. ready: whether it has said so, or never does; finishing: ./finish runs."""

    __slots__ = ("finishing", "ready", "status")

    def __init__(self, known: status.Status, *, ready: bool, finishing: bool) -> None:
        self.status: Final = known
        self.ready: Final = ready
        self.finishing: Final = finishing

    def start(self) -> tuple[int, int, int]:
        """What tells one process of the service from another."""
        return self.status.pid, self.status.since, self.status.nanoseconds


def reached(state: bytes, view: View | None, first: View | None) -> bool:
    """`view`: now, and `first`: before anything was asked for; None: nobody supervises it."""
    if view is None:
        return state == DOWN
    up = view.status.pid != 0
    if state == DOWN:
        return not up and not view.finishing and view.status.want != status.WANT_UP
    if state == UP:
        return up
    if state == RESTART and first is not None and first.status.pid and view.start() == first.start():
        return False
    return up and view.ready
