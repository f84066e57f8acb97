"""A connection's own process, from its first line in the log to the program."""

from __future__ import annotations

import os

from smarthost import launch
from smarthost.errors import Temporary
from smarthost.server.verdicts import DROPPED, Verdict
from smarthost.unix import environment, errtext, fds, signals, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from smarthost.server.journal import Journal
    from smarthost.server.verdicts import Changes
    from smarthost.unix.signals import Handlers

    class Connection(Protocol):
        """One client, as a front knows it: policy/ucspi.py and policy/ucspiunix.py have one each."""

        @property
        def descriptor(self) -> int:
            """Its socket."""

        def facts(self) -> tuple[Any, ...]:
            """All but the descriptor, as plain values."""

        def origin(self) -> bytes:
            """What the log's pid line ends in."""

    class Front(Protocol):
        """What a server listens on, and how it judges who comes. Connections are all of its own kind.

        pid_variable    the variable that tells a program its own process id, if there is one
        """

        @property
        def pid_variable(self) -> bytes | None: ...

        def fileno(self) -> int:
            """The listening socket."""

        def accept(self) -> Connection:
            """The next client. Raises BlockingIOError if there is none."""

        def judge_early(self, connection: Any) -> Verdict | None:
            """The verdict, if that needs nothing that could take time, and nothing is sent before it."""

        def restore(self, descriptor: int, facts: Any) -> Connection:
            """A connection from its facts, in a process whose descriptors are closed after each one."""

        def learn(self, news: bytes) -> None:
            """What children found out."""

        def greet(self, connection: Any) -> None:
            """What is done to a new connection before anything else. Raises Temporary to drop it."""

        def judge(self, connection: Any) -> Verdict:
            """The verdict, whatever it takes."""


class Reception:
    """How a child receives its client.

    tell    a pipe to the server, for news
    before  what the signals did, besides SIGCHLD and SIGTERM, that the server took
    """

    def __init__(self, front: Front, journal: Journal, tell: int, before: Handlers) -> None:
        self._front = front
        self._journal = journal
        self._tell = tell
        self._before = before
        self._pid_variable = front.pid_variable
        self._environment = environment.current()

    def changed(self, changes: Changes) -> dict[bytes, bytes]:
        """The server's environment with changes. A name that no environment can hold is left out."""
        result = self._environment.copy()
        for name, value in changes:
            if value is not None and name:
                result[name] = value
            else:
                result.pop(name, None)
        return result

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
        self._journal.pid(os.getpid(), connection)
        self._journal.flush()  # what follows may take a minute, and may be killed
        verdict = self.receive(connection, None)
        if verdict.status:
            return verdict.status
        return self._become(argv, connection, self.changed(verdict.environment))

    def become_at_once(
        self, argv: Sequence[bytes], connection: Connection, verdict: Verdict, environ: dict[bytes, bytes]
    ) -> int:
        """In a forked child whose server did all there was to do but the lines with its pid.

        Every page that is touched here is copied first, at several microseconds each: hence the short way.
        """
        pid = os.getpid()
        self._journal.pid(pid, connection)
        verdict.log(self._journal, pid)
        self._journal.flush()
        return self._become(argv, connection, environ)

    def _become(self, argv: Sequence[bytes], connection: Connection, environ: dict[bytes, bytes]) -> int:
        if self._pid_variable is not None:
            environ[self._pid_variable] = b"%d" % os.getpid()
        try:
            fds.duplicate_to_standard(connection.descriptor)
            signals.as_after_start(self._before)
            launch.become(argv, environ)
        except Temporary as error:
            self._journal.drop(os.fsencode(str(error)))
            self._journal.flush()
            return error.status

    def serve(self, run: Callable[[], int], connection: Connection, verdict: Verdict | None) -> int:
        """In a worker: receive, run the program as a function. Its exit status.

        The environment is still the last connection's: it is replaced before anybody looks, by one that differs
        from it in little.
        """
        if verdict is None:
            environment.replace(self._environment)
        verdict = self.receive(connection, verdict)
        if verdict.status:
            os.close(connection.descriptor)
            return verdict.status
        fds.duplicate_to_standard(connection.descriptor)
        os.close(connection.descriptor)
        environ = self.changed(verdict.environment)
        if self._pid_variable is not None:
            environ[self._pid_variable] = b"%d" % os.getpid()
        environment.replace(environ)
        return run()


def send_banner(descriptor: int, banner: bytes) -> None:
    """Raises Temporary to drop the client."""
    try:
        sockets.send_all(descriptor, banner)
    except OSError as error:
        raise Temporary(f"unable to print banner: {errtext.reason(error)}") from error
