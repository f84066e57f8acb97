"""A server's lines on stderr, in the originals' words, and who gets to see which."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.server.child import Connection

STDERR: Final = 2
QUIET: Final = 0
VERBOSE: Final = 2
# A pipe takes this much in one piece, so nobody else's line lands inside ours.
PIPE_ATOMIC: Final = 4096


class Journal:
    """Lines wait here until `flush`: before anybody else could write, and before the server sleeps.

    `descriptor` is where they go. Warnings go to stderr: a process that serves a client may have
    the client on its stdout.
    """

    def __init__(self, server: bytes, verbosity: int, descriptor: int = STDERR) -> None:
        self._server = server
        self._verbosity = verbosity
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self.verbose = verbosity >= VERBOSE

    def status(self, count: int, limit: int) -> None:
        if self.verbose:
            self._add(b"%b: status: %d/%d\n" % (self._server, count, limit))

    def pid(self, pid: int, connection: Connection) -> None:
        if self.verbose:
            self._add(b"%b: pid %d%b\n" % (self._server, pid, connection.origin()))

    def verdict(self, word: bytes, pid: int, described: bytes) -> None:
        if self.verbose:
            self._add(b"%b: %b %d %b\n" % (self._server, word, pid, described))

    def end(self, pid: int, wait_status: int) -> None:
        if self.verbose:
            self._add(b"%b: end %d status %d\n" % (self._server, pid, wait_status))

    def drop(self, reason: bytes) -> None:
        if self._verbosity <= QUIET:
            return
        line = b"%b: warning: dropping connection, %b\n" % (self._server, reason)
        if self._descriptor == STDERR:
            self._add(line)
        else:
            self.flush()
            _write(STDERR, line)

    def _add(self, line: bytes) -> None:
        if self._size + len(line) > PIPE_ATOMIC:
            self.flush()
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write what waits, in one call. A log that nobody reads any more is no reason to stop serving."""
        if not self._lines:
            return
        text = b"".join(self._lines)
        self._lines.clear()
        self._size = 0
        _write(self._descriptor, text)


def _write(descriptor: int, text: bytes) -> None:
    try:
        os.write(descriptor, text)
    except OSError:
        pass
