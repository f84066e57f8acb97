"""When the engine's main loop wakes up: at a signal, at a deadline, or after a second.

supervisord sleeps in poll for a whole second: a signal does not end it, because Python takes poll
up again (PEP 475), and it knows no deadlines. A restart would wait for up to two of those seconds.

And it tells poll of every descriptor in every round, which would cost more than all else with the
fifos of hundreds of services. Theirs stay in an epoll of their own, which is one descriptor to it.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Any

from supervisor import poller

from smarthost.unix import signals

if TYPE_CHECKING:
    from collections.abc import Callable


class Poller(poller.PollPoller):  # type: ignore[misc]  # supervisor is untyped
    """supervisord's poller, ended early by a signal, and by `wake_at`.

    signalled: is called when there was a signal
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._bell, self._ringer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.register_readable(self._bell)
        signals.wake_by(self._ringer)
        self._deadline: float | None = None
        self.signalled: Callable[[], None] = lambda: None
        self._watch = select.epoll()
        self._handlers: dict[int, Callable[[], object]] = {}
        self.register_readable(self._watch.fileno())

    def watch(self, descriptor: int, handler: Callable[[], object]) -> None:
        """Call `handler` whenever there is something to be read, or the end of file."""
        self._handlers[descriptor] = handler
        self._watch.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """To be said before the descriptor is closed."""
        if self._handlers.pop(descriptor, None) is not None:
            self._watch.unregister(descriptor)

    def listen(self, descriptor: int, *, now: bool) -> None:
        """Whether a watched descriptor is looked at for the time being."""
        self._watch.modify(descriptor, select.EPOLLIN if now else 0)

    def wake_at(self, moment: float) -> None:
        """Let the next sleep end at this moment of the monotonic clock, or before."""
        if self._deadline is None or moment < self._deadline:
            self._deadline = moment

    def hurry(self) -> None:
        """Do not sleep at all the next time."""
        self.wake_at(0)

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            timeout = min(timeout, max(0.0, deadline - time.monotonic()))
        readable, writable = super().poll(timeout)
        if self._bell in readable:
            readable.remove(self._bell)
            try:
                while os.read(self._bell, 512):
                    pass
            except BlockingIOError:
                pass
            self.signalled()
        if self._watch.fileno() in readable:
            readable.remove(self._watch.fileno())
            for descriptor, _ in self._watch.poll(0):
                # One handler may have closed what another was to read.
                if handler := self._handlers.get(descriptor):
                    handler()
        return readable, writable

    def close(self) -> None:
        # Before the descriptors are closed: a late signal would write its byte into whatever comes next.
        signals.wake_by(-1)
        self._watch.close()
        os.close(self._bell)
        os.close(self._ringer)
