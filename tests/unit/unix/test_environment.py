"""The environment as it was given: the rest is in tests/differential/test_softlimit.py."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest

from smarthost.unix import environment

PROBE = "import os; from smarthost.unix import environment; environment.undo_python(); print(os.environb.get(b'LC_CTYPE'))"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"LANG": "C"}, None),
        ({"LC_CTYPE": "C"}, b"C"),
        ({"LC_CTYPE": "C.UTF-8"}, b"C.UTF-8"),
        ({"LC_CTYPE": ""}, b""),
    ],
)
def test_what_python_set_is_taken_back(given: dict[str, str], expected: bytes | None) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], env=given, capture_output=True, check=True)
    assert done.stdout == b"%r\n" % (expected,)
    assert done.stderr == b""


def test_without_proc_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_CTYPE", "C.UTF-8")
    with mock.patch("builtins.open", side_effect=FileNotFoundError):
        environment.undo_python()
    assert os.environb[b"LC_CTYPE"] == b"C.UTF-8"


def test_an_entry_without_a_name_is_not_in_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """execve(2) hands one on; Python takes it from there, and would not give it to the next program."""
    data = getattr(os.environb, "_data")  # noqa: B009  not for everybody
    monkeypatch.setitem(data, b"", b"x=y")
    assert b"" not in environment.current()
    environment.replace(environment.current())
