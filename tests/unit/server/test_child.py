"""What a client's own process says, and when. How it serves is tested with real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smarthost.errors import Temporary
from smarthost.policy.ucspi import Connection
from smarthost.server.child import Reception
from smarthost.server.journal import VERBOSE, Journal
from smarthost.server.tcpfront import TcpFront

if TYPE_CHECKING:
    import pytest

    from smarthost.server.verdicts import Verdict


class SlowFront(TcpFront):
    """A front that notes what stands in the log when it begins to look a client's names up."""

    def __init__(self, log: pytest.CaptureFixture[str]) -> None:
        self._log = log
        self.seen = ""

    def greet(self, connection: Connection) -> None:
        pass

    def judge(self, connection: Connection) -> Verdict:
        del connection
        self.seen = self._log.readouterr().err
        raise Temporary("that is enough")


def test_who_came_is_said_before_names_are_looked_up(capfd: pytest.CaptureFixture[str]) -> None:
    """Look-ups may take a minute, and the process may be killed meanwhile."""
    front = SlowFront(capfd)
    reception = Reception(front, Journal(b"server", VERBOSE), -1, ())
    status = reception.become([b"true"], Connection(-1, b"192.0.2.1", 1, b"192.0.2.2", 2))
    assert status == 111
    assert front.seen.startswith("server: pid ")
    assert front.seen.endswith(" from 192.0.2.1\n")
    assert capfd.readouterr().err == "server: warning: dropping connection, that is enough\n"
