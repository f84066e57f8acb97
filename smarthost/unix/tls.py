"""TLS on a connection that we opened. Only who asks for it pays for ssl, which takes three bare starts of Python."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from ssl import SSLContext, SSLSocket


def client_context(
    authorities: bytes | None, certificate: bytes | None, *, check_name: bool, der: bool = False
) -> SSLContext:
    """What a connection is checked by. A certificate that no known authority signed is never accepted.

    authorities  a file of PEM certificates; without it, those of the system
    certificate  a file with our own certificate and key, for a server that asks for one
    check_name   whether the certificate must also be for the host that was asked for
    der          whether the authorities' file is in DER

    Raises OSError when a file is missing or holds something else.
    """
    import ssl  # noqa: PLC0415

    if authorities and der:
        with open(authorities, "rb") as file:
            context = ssl.create_default_context(cadata=file.read())
    else:
        context = ssl.create_default_context(cafile=os.fsdecode(authorities) if authorities else None)
    context.check_hostname = check_name
    if certificate:
        context.load_cert_chain(certificate)
    return context


def open_context(certificate: bytes | None = None, *, anonymous: bool = False) -> SSLContext:
    """For a connection that would do without TLS: whoever answers is believed. Raises OSError.

    anonymous  also ciphers by which the server shows no certificate
    """
    import ssl  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    if anonymous:
        # Nothing newer has such ciphers, and OpenSSL counts them as worth nothing.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ALL:aNULL:@SECLEVEL=0")
    return context


def add_files(
    context: SSLContext,
    *,
    certificate: bytes = b"",
    key: bytes = b"",
    revoked: bytes = b"",
    der: bool = False,
) -> None:
    """Our own certificate, and which of others' are revoked. Raises OSError.

    key  a file of its own, else it lies in that of the certificate
    der  whether the files are in DER
    """
    import ssl  # noqa: PLC0415

    if revoked:
        _with_pem(context.load_verify_locations, [(revoked, ("X509 CRL",))], der=der)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if certificate:
        files = [(certificate, ("CERTIFICATE",)), (key or certificate, _KEYS)]
        _with_pem(context.load_cert_chain, files if key or der else files[:1], der=der)


# What a key in DER may be.
_KEYS = ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY")


def _with_pem(load: Callable[..., None], files: list[tuple[bytes, tuple[str, ...]]], *, der: bool) -> None:
    """Load PEM files; those in DER are turned into such as no name leads to."""
    if not der:
        load(*[os.fsdecode(path) for path, _ in files])
        return
    from binascii import b2a_base64  # noqa: PLC0415
    from itertools import product  # noqa: PLC0415

    failure: OSError = FileNotFoundError(errno.ENOENT, "")
    for labels in product(*[labels for _, labels in files]):
        opened = []
        try:
            for (path, _), label in zip(files, labels, strict=True):
                with open(path, "rb") as file:
                    text = b2a_base64(file.read(), newline=False)
                opened.append(os.memfd_create(label))
                lines = b"".join([text[at : at + 64] + b"\n" for at in range(0, len(text), 64)])
                name = label.encode()
                os.write(opened[-1], b"-----BEGIN %b-----\n%b-----END %b-----\n" % (name, lines, name))
            load(*[f"/proc/self/fd/{descriptor}" for descriptor in opened])
            return
        except OSError as error:
            failure = error
        finally:
            for descriptor in opened:
                os.close(descriptor)
    raise failure


def start(context: SSLContext, connection: socket, host: bytes) -> SSLSocket:
    """Shake hands. Raises OSError, and the connection is then closed."""
    name = os.fsdecode(host.partition(b"%")[0])  # a certificate knows nothing of zones
    try:
        name.encode("idna")  # as ssl will, when it has the connection
    except UnicodeError as error:
        connection.close()
        raise OSError(errno.EINVAL, "") from error
    return context.wrap_socket(connection, server_hostname=name)  # type: ignore[arg-type]
