"""bouncesaying, beside the original where that is. Not tested: a machine that can start no process."""

from __future__ import annotations

import os

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run

USAGE = b"bouncesaying: usage: bouncesaying error [ program [ arg ... ] ]\n"
SAID = b"no, thank you\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Outcome(100, b"", USAGE)),
        (["no, thank you"], Outcome(100, b"", SAID)),
        (["--help"], Outcome(100, b"", b"--help\n")),
        ([b"\xff\xfe"], Outcome(100, b"", b"\xff\xfe\n")),
        (["no, thank you", "true"], Outcome(100, b"", SAID)),
        (["no, thank you", "false"], Outcome(0, b"", b"")),
        (["no, thank you", "sh", "-c", "cat; exit 0"], Outcome(100, b"message\n", SAID)),
        (["x", "sh", "-c", "exit 111"], Outcome(111, b"", b"bouncesaying: fatal: temporary child error\n")),
        (["x", "sh", "-c", "exit 100"], Outcome(0, b"", b"")),
        (["x", "sh", "-c", "kill -9 $$"], Outcome(111, b"", b"bouncesaying: fatal: child crashed\n")),
        (["x", "no-such-program"], Outcome(0, b"", b"")),
        (["x", "/etc/passwd"], Outcome(0, b"", b"")),
    ],
)
def test_it(arguments: list[str | bytes], expected: Outcome) -> None:
    assert run([ours("bouncesaying"), *arguments], b"message\n") == expected
    if os.environ.get("QMAIL_PEER"):
        assert run([qmail_peer("bouncesaying"), *arguments], b"message\n") == expected
