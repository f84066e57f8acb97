"""aiosmtpd, a real SMTP server, as it is asked for by a test."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

USER, PASSWORD = b"joe", b"p\xc3\xa4ss word"


class Inbox:
    """Takes everything, but for recipients whose name says otherwise; `mail` is what it took."""

    def __init__(self) -> None:
        self.mail: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.over_tls: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session
        if address.startswith("no-"):
            return "550 5.1.1 no such user"
        if address.startswith("later-"):
            return "450 4.2.1 mailbox busy"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if b"X-Spam: yes" in envelope.content:
            return "554 5.7.1 spam"
        if b"X-Busy: yes" in envelope.content:
            return "451 4.3.0 busy"
        self.mail.append(envelope)
        del session
        self.over_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=(data.login, data.password) == (USER, PASSWORD), handled=False)


@contextmanager
def serving(
    *,
    tls: ssl.SSLContext | None = None,
    wrapped: bool = False,
    auth: bool = False,
    port: int = 0,
    host: str = "127.0.0.1",
    **more: Any,
) -> Iterator[tuple[Inbox, int]]:
    """What it takes, and the port where. Not aiosmtpd's own controller: it waits for a client of its own, by time."""
    inbox = Inbox()
    if auth:
        more.update(authenticator=inbox.authenticate, auth_required=True, auth_require_tls=False)
    if tls is not None and not wrapped:
        more["tls_context"] = tls
    loop = asyncio.new_event_loop()
    listening = socket.create_server((host, port), backlog=64)

    async def start() -> asyncio.AbstractServer:
        def session() -> SMTP:
            return SMTP(inbox, hostname="mail.example", loop=loop, **more)

        return await loop.create_server(session, sock=listening, ssl=tls if wrapped else None)

    async def stop(server: asyncio.AbstractServer) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Of a client that has just gone nothing may have been heard yet, and TLS waits for its goodbye.
        for transport in list(getattr(loop, "_transports").values()):  # noqa: B009  not for everybody
            transport.abort()
        await asyncio.sleep(0)  # what is aborted is closed at the loop's next turn

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield inbox, listening.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(stop(server))
        loop.close()
