"""Whether this machine has IPv6, if only on its loopback. A container may not."""

from __future__ import annotations

import socket

import pytest


def _has() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needed = pytest.mark.skipif(not _has(), reason="no IPv6 here")
