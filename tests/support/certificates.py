"""Certificates for tests, made on the spot: none lies about with its key, and none expires."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import originals

if TYPE_CHECKING:
    from pathlib import Path

_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def _openssl(directory: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        message = "openssl is not installed"
        if originals.required:
            pytest.fail(message)
        pytest.skip(message)
    subprocess.run([program, *arguments], cwd=directory, check=True, capture_output=True)


def authority(directory: Path) -> Path:
    """A certificate that can sign others; its key lies beside it."""
    _openssl(
        directory,
        *("req", "-x509", *_EC, "-keyout", "authority.key", "-out", "authority.pem"),
        *("-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE"),
        # Python 3.13 and newer hold certificates to RFC 5280.
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "subjectKeyIdentifier=hash"),
    )
    return directory / "authority.pem"


def signed(directory: Path, name: str, names: str, usage: str = "serverAuth") -> Path:
    """A file with a certificate for `names` (DNS:localhost,IP:::1) by the authority, and its key."""
    request = ("req", *_EC, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    _openssl(directory, *request)
    (directory / f"{name}.ext").write_text(
        f"subjectAltName={names}\nextendedKeyUsage={usage}\nkeyUsage=digitalSignature\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl(
        directory,
        *("x509", "-req", "-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.crt"),
        *("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"),
    )
    both = directory / f"{name}.pem"
    both.write_bytes((directory / f"{name}.crt").read_bytes() + (directory / f"{name}.key").read_bytes())
    return both


def hashed(directory: Path, name: str) -> Path:
    """A directory with this certificate, as OpenSSL looks for it there."""
    place = directory / "hashed"
    place.mkdir()
    shutil.copy(directory / name, place)
    _openssl(directory, "rehash", str(place))
    return place


def to_der(directory: Path, name: str, kind: str) -> None:
    """The certificate (`x509`) or key (`pkey`) in `name`, as `name`.der."""
    _openssl(directory, kind, "-in", name, "-outform", "DER", "-out", f"{name}.der")


_CA = """
[ca]
default_ca=it
[it]
database=index.txt
crlnumber=crlnumber
default_md=sha256
default_crl_days=1
"""


def revoke(directory: Path, names: list[str]) -> None:
    """The authority's list of what it has revoked, as revoked.pem."""
    for name, text in (
        ("index.txt", ""),
        ("crlnumber", "01\n"),
        ("ca.conf", _CA),
    ):
        (directory / name).write_text(text)
    common = ("ca", "-config", "ca.conf", "-cert", "authority.pem", "-keyfile", "authority.key")
    for name in names:
        _openssl(directory, *common, "-revoke", name)
    _openssl(directory, *common, "-gencrl", "-out", "revoked.pem")
