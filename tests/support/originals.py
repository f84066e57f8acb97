"""Where the C programs are that ours are compared with.

ORIGINALS=DIR   a folder into which packages were unpacked (dpkg -x); looked through first
QMAIL_PEER=DIR  a qmail home with C programs in bin/, for what Debian does not package
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

required = False  # set once by conftest: with --need-originals a missing one is a failure

PLACES = ("usr/bin", "usr/sbin", "usr/lib/nullmailer", "bin", "sbin")


def find(name: str) -> str | None:
    """The original program's path, never ours."""
    unpacked = os.environ.get("ORIGINALS")
    roots = [Path(unpacked)] if unpacked else []
    for root in [*roots, Path("/")]:
        for place in PLACES:
            file = root / place / name
            if file.is_file() and os.access(file, os.X_OK):
                return str(file)
    return None


def original(name: str) -> str:
    """The original program's path; without it the test is skipped, or fails where originals are required."""
    path = find(name)
    if path is None:
        message = f"the original {name} is not installed"
        if required:
            pytest.fail(message)
        pytest.skip(message)
    return path


def qmail_peer(name: str) -> str:
    """A program of the qmail that QMAIL_PEER names; without it the test is skipped."""
    home = os.environ.get("QMAIL_PEER")
    if not home:
        pytest.skip("QMAIL_PEER names no qmail home to compare with")
    path = Path(home) / "bin" / name
    if not path.is_file():
        pytest.fail(f"QMAIL_PEER has no {name}")
    return str(path)
