"""An SMTP session with one client on this host: descriptors in, messages out."""

from __future__ import annotations

import os

from smarthost.formats.smtpdata import DataDecoder
from smarthost.policy import smtpsession
from smarthost.unix import files
from smarthost.unix.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Sends what can be read from the descriptor, from this sender to these recipients: the reply.
    Send = Callable[[int, bytes, list[bytes]], bytes]


class Conversation:
    """What came and was not yet used is kept: a client may send many commands at once (RFC 2920)."""

    def __init__(self, session: smtpsession.Session, send: Send) -> None:
        self._session = session
        self._send = send
        self._pending = b""
        self._input = -1

    def hold(self, incoming: int, outgoing: int) -> bool:
        """To the end; False if the client went away with a message half said, which is not sent.

        Raises OSError when it cannot be read from or written to.
        """
        self._input = incoming
        reply = self._session.greeting()
        while True:
            files.write_all(outgoing, reply + b"\r\n")
            if reply == smtpsession.GOODBYE:
                return True
            line = self._line()
            if line is None:
                return True
            reply = self._session.answer(line) if line else smtpsession.LINE_TOO_LONG
            if reply == smtpsession.GO_AHEAD:
                files.write_all(outgoing, reply + b"\r\n")
                outcome = self._message(bare=not line.endswith(b"\r\n"))
                if outcome is None:
                    return False
                self._session.forget()
                reply = outcome

    def _line(self) -> bytes | None:
        """The next line with its newline; nothing for one that is too long; None at the end."""
        too_long = False
        while b"\n" not in self._pending:
            if len(self._pending) > smtpsession.LINE_LIMIT:
                too_long = True
                self._pending = b""
            block = os.read(self._input, files.BLOCK)
            if not block:
                return None
            self._pending += block
        line, newline, self._pending = self._pending.partition(b"\n")
        return b"" if too_long or len(line) > smtpsession.LINE_LIMIT else line + newline

    def _message(self, *, bare: bool) -> bytes | None:
        """Take the message, then send it: the reply. None if it ended too soon.

        It is put aside first: who sends it must not take the end of half a message for its end.
        """
        decoder = DataDecoder(bare=bare)
        message = Scratch(os.environb)
        limit = self._session.databytes
        refused = b""
        block, self._pending = self._pending, b""
        try:
            while True:
                text = decoder.feed(block)
                if limit and message.size + len(text) > limit:
                    refused = smtpsession.TOO_BIG
                if not refused:
                    try:
                        message.append(text)
                    except OSError:
                        refused = smtpsession.NO_ROOM
                if decoder.done:
                    break
                block = os.read(self._input, files.BLOCK)
                if not block:
                    return None
            self._pending = decoder.rest
            if refused:
                return refused
            try:
                descriptor = message.as_input()
            except OSError:
                return smtpsession.NO_ROOM
            return self._send(descriptor, self._session.sender or b"", self._session.recipients)
        finally:
            message.close()
