"""How a program ends. Not tested here: each program's own last words (their own tests do)."""

from __future__ import annotations

import sys

import pytest

from smarthost import ending
from tests.support.run import run


def test_a_failed_descriptor_is_not_called_by_its_number(capfd: pytest.CaptureFixture[str]) -> None:
    def body(_arguments: list[bytes]) -> int:
        raise IsADirectoryError(21, "Is a directory", 5)

    assert ending.run("prog", body, []) == 111
    said = capfd.readouterr().err
    assert said == "prog: fatal: is a directory\n"


def test_a_program_may_have_statuses_of_its_own() -> None:
    def body(arguments: list[bytes]) -> int:
        return int(arguments[0])

    assert ending.run("prog", body, ["100"], statuses={100: 64}) == 64
    assert ending.run("prog", body, ["99"], statuses={100: 64}) == 99


LEAVING = """
import atexit, sys
from smarthost import ending
atexit.register(lambda: ending.say("Python's own end\\n"))
{more}
sys.exit(ending.run("prog", lambda arguments: 7))
"""


@pytest.mark.parametrize(("more", "said"), [("", b""), ("import threading", b"Python's own end\n")])
def test_the_process_ends_without_ceremony_unless_there_may_be_threads(more: str, said: bytes) -> None:
    outcome = run([sys.executable, "-c", LEAVING.format(more=more)])
    assert (outcome.status, outcome.stderr) == (7, said)
