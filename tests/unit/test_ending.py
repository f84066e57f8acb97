"""How a program ends. Not tested here: each program's own last words (their own tests do)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smarthost import ending

if TYPE_CHECKING:
    import pytest


def test_a_failed_descriptor_is_not_called_by_its_number(capfd: pytest.CaptureFixture[str]) -> None:
    def body(_arguments: list[bytes]) -> int:
        raise IsADirectoryError(21, "Is a directory", 5)

    assert ending.run("prog", body, []) == 111
    said = capfd.readouterr().err
    assert said == "prog: fatal: is a directory\n"
