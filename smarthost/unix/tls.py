"""TLS on a connection that we opened. Only who asks for it pays for ssl, which takes three bare starts of Python."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from ssl import SSLContext, SSLSocket


def client_context(authorities: bytes | None, certificate: bytes | None, *, check_name: bool) -> SSLContext:
    """What a connection is checked by. A certificate that no known authority signed is never accepted.

    authorities  a file of PEM certificates; without it, those of the system
    certificate  a file with our own certificate and key, for a server that asks for one
    check_name   whether the certificate must also be for the host that was asked for

    Raises OSError when a file is missing or holds something else.
    """
    import ssl  # noqa: PLC0415

    context = ssl.create_default_context(cafile=os.fsdecode(authorities) if authorities else None)
    context.check_hostname = check_name
    if certificate:
        context.load_cert_chain(certificate)
    return context


def start(context: SSLContext, connection: socket, host: bytes) -> SSLSocket:
    """Shake hands. Raises OSError, and the connection is then closed."""
    name = os.fsdecode(host.partition(b"%")[0])  # a certificate knows nothing of zones
    return context.wrap_socket(connection, server_hostname=name)  # type: ignore[arg-type]
