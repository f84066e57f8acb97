"""except, beside the original where that is. Not tested: a machine that can start no process."""

from __future__ import annotations

import os

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Outcome(100, b"", b"except: usage: except program [ arg ... ]\n")),
        (["true"], Outcome(100, b"", b"")),
        (["false"], Outcome(0, b"", b"")),
        (["sh", "-c", "cat; exit 100"], Outcome(0, b"message\n", b"")),
        (["sh", "-c", "exit 111"], Outcome(111, b"", b"except: fatal: temporary child error\n")),
        (["sh", "-c", "kill -9 $$"], Outcome(111, b"", b"except: fatal: child crashed\n")),
        (["no-such-program"], Outcome(0, b"", b"")),
        ([b"\xff"], Outcome(0, b"", b"")),
    ],
)
def test_it(arguments: list[str | bytes], expected: Outcome) -> None:
    assert run([ours("except"), *arguments], b"message\n") == expected
    if os.environ.get("QMAIL_PEER"):
        assert run([qmail_peer("except"), *arguments], b"message\n") == expected
