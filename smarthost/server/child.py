"""A connection's own process, from its first line in the log to the program."""

from __future__ import annotations

import os

from smarthost import launch
from smarthost.errors import Temporary
from smarthost.server.verdicts import DROPPED, Verdict
from smarthost.unix import environment, fds, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from smarthost.policy.ucspi import Connection
    from smarthost.server.journal import Journal
    from smarthost.server.verdicts import Changes

    class Front(Protocol):
        """What a server listens on, and how it judges who comes."""

        def fileno(self) -> int:
            """The listening socket."""

        def accept(self) -> Connection:
            """The next client. Raises BlockingIOError if there is none."""

        def judge_early(self, connection: Connection) -> Verdict | None:
            """The verdict, if that needs nothing that could take time, and nothing is sent before it."""

        def learn(self, news: bytes) -> None:
            """What children found out."""

        def greet(self, connection: Connection) -> None:
            """What is done to a new connection before anything else. Raises Temporary to drop it."""

        def judge(self, connection: Connection) -> Verdict:
            """The verdict, whatever it takes."""


class Reception:
    """How a child receives its client. `tell`: a pipe to the server, for news."""

    def __init__(self, front: Front, journal: Journal, tell: int) -> None:
        self._front = front
        self._journal = journal
        self._tell = tell

    def receive(self, connection: Connection, verdict: Verdict | None) -> Verdict:
        """Greet, and judge if the server has not; the log shows what was judged here."""
        early = verdict
        try:
            self._front.greet(connection)
            verdict = early or self._front.judge(connection)
        except Temporary as error:
            early, verdict = None, Verdict(DROPPED, os.fsencode(str(error)))
        if verdict is not early:
            verdict.log(self._journal, os.getpid())
        self._journal.flush()
        if verdict.news:
            try:
                os.write(self._tell, verdict.news)
            except OSError:
                pass  # the server is gone or has news enough
        return verdict

    def become(self, argv: Sequence[bytes], connection: Connection) -> int:
        """In a forked child: log its pid, receive, turn into the program. Returns only a failure's status."""
        self._journal.pid(os.getpid(), connection.remote_ip)
        verdict = self.receive(connection, None)
        if verdict.status:
            return verdict.status
        return self._become(argv, connection, changed(verdict.environment))

    def become_at_once(
        self, argv: Sequence[bytes], connection: Connection, verdict: Verdict, environ: dict[bytes, bytes]
    ) -> int:
        """In a forked child whose server did all there was to do but the lines with its pid.

        Every page that is touched here is copied first, at several microseconds each: hence the short way.
        """
        pid = os.getpid()
        self._journal.pid(pid, connection.remote_ip)
        verdict.log(self._journal, pid)
        self._journal.flush()
        return self._become(argv, connection, environ)

    def _become(self, argv: Sequence[bytes], connection: Connection, environ: dict[bytes, bytes]) -> int:
        try:
            fds.duplicate_to_standard(connection.descriptor)
            signals.as_after_start()
            launch.become(argv, environ)
        except Temporary as error:
            self._journal.drop(os.fsencode(str(error)))
            self._journal.flush()
            return error.status

    def serve(self, run: Callable[[], int], connection: Connection, verdict: Verdict | None) -> int:
        """In a worker: receive, run the program as a function. Its exit status."""
        verdict = self.receive(connection, verdict)
        if verdict.status:
            os.close(connection.descriptor)
            return verdict.status
        fds.duplicate_to_standard(connection.descriptor)
        os.close(connection.descriptor)
        environment.replace(changed(verdict.environment))
        return run()


def changed(changes: Changes) -> dict[bytes, bytes]:
    """The environment with changes. A name that no environment can hold is left out."""
    result = environment.current()
    for name, value in changes:
        if value is not None and name:
            result[name] = value
        else:
            result.pop(name, None)
    return result
