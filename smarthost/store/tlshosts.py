"""With which hosts is TLS spoken, and how are they checked? Files in control/, named as in the TLS patches to qmail:

notlshosts/NAME          this server is not spoken TLS with
tlshosts/NAME.pem        this one must speak TLS, with a certificate for NAME that these authorities vouch for
tlshosts/exhaustivelist  if it exists: with servers that have no file in tlshosts/ no TLS is tried
clientcert.pem           our own certificate and its key, unless it is empty
tlsclientciphers         which ciphers are used up to TLS 1.2, as ciphers(1) has it
"""

from __future__ import annotations

import os

from smarthost.formats import control
from smarthost.policy import smtpclient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket


class TlsHosts:
    __slots__ = ("_directory",)

    def __init__(self, directory: bytes) -> None:
        self._directory = directory

    def wanted(self, name: bytes) -> int:
        """Whether TLS is to be started with this host: NEVER, IF_OFFERED or REQUIRED.

        A file that cannot be looked for is taken for one that is there.
        """
        name = _filed(name)
        if b"/" in name:
            return smtpclient.IF_OFFERED
        if self._has(b"/tlshosts/" + name + b".pem"):
            return smtpclient.REQUIRED
        if self._has(b"/notlshosts/" + name) or self._has(b"/tlshosts/exhaustivelist"):
            return smtpclient.NEVER
        return smtpclient.IF_OFFERED

    def _has(self, path: bytes) -> bool:
        try:
            os.stat(self._directory + path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def start(self, plain: socket, name: bytes, *, required: bool) -> socket:
        """Shake hands. Raises OSError, and the connection is then closed."""
        from smarthost.unix import tls  # noqa: PLC0415

        try:
            certificate = self._certificate()
            if required:
                authorities = self._directory + b"/tlshosts/" + _filed(name) + b".pem"
                context = tls.client_context(authorities, certificate, check_name=True)
            else:
                context = tls.open_context(certificate)
            ciphers = self._ciphers()
            if ciphers:
                context.set_ciphers(ciphers)
        except OSError:
            plain.close()
            raise
        return tls.start(context, plain, name)

    def _certificate(self) -> bytes | None:
        path = self._directory + b"/clientcert.pem"
        try:
            return path if os.stat(path).st_size else None
        except FileNotFoundError:
            return None

    def _ciphers(self) -> str:
        try:
            with open(self._directory + b"/tlsclientciphers", "rb") as file:
                return os.fsdecode(control.line(file.read()))
        except FileNotFoundError:
            return ""


def _filed(name: bytes) -> bytes:
    """As it stands in the name of a file."""
    return name.lower().rstrip(b".")
