"""A QMQP service on a port of its own, made of a tcpserver and what it runs."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.run import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def service(tcpserver: str, words: list[str], env: dict[str, str]) -> Iterator[int]:
    """A tcpserver that runs these words for each client; its port."""
    with subprocess.Popen(
        [tcpserver, "-1HRl0", "127.0.0.1", "0", *words], env={**os.environ, **env}, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline())
        finally:
            running.terminate()
            running.wait(TIMEOUT)
