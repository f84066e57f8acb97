"""Whose .venv is it? make builds it, and builds it anew where it is of no use.

Not tested: pip. A Python that only writes down what it is asked stands for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.run import Outcome, run

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]

# What a virtual environment can do stands in the files beside it.
PYTHON = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$MADE"
case "$*" in
  "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/bin/pip-is-here ;;
  "-m pip --version") test -e "$here/pip-is-here" ;;
  "-P -c import os, supervisor, smarthost;"*) cat "$here/smarthost-is-here" ;;
  "-m pip install"*) echo True >"$here/smarthost-is-here" ;;
esac
"""


class Checkout:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._made = directory / "made"
        self._python = directory / "python"
        self._python.write_text(PYTHON)
        self._python.chmod(0o755)
        for name in ("Makefile", "setup.cfg", "pyproject.toml"):
            (directory / name).write_bytes((CHECKOUT / name).read_bytes())

    def run(self) -> Outcome:
        self._made.write_text("")
        environ = {"PATH": os.environ["PATH"], "MADE": str(self._made)}
        return run(["make", f"PYTHON={self._python}", ".venv/.installed"], cwd=self.directory, env=environ)

    def make(self) -> list[str]:
        """How .venv was made: the words after -m."""
        made = self.run()
        assert made.status == 0, made
        asked = [line.split() for line in self._made.read_text().splitlines()]
        return [" ".join(words[1:3]) for words in asked if words[0] == "-m" and "--version" not in words]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


ANEW = ["venv --clear", "pip install"]


def test_once_is_enough(checkout: Checkout) -> None:
    assert checkout.make() == ANEW
    assert checkout.make() == []


def test_what_an_interrupt_left_without_pip_is_made_anew(checkout: Checkout) -> None:
    checkout.make()
    (checkout.directory / ".venv/.installed").unlink()
    assert checkout.make() == ["pip install"]
    (checkout.directory / ".venv/.installed").unlink()
    (checkout.directory / ".venv/bin/pip-is-here").unlink()
    assert checkout.make() == ANEW


@pytest.mark.parametrize("answer", ["", "False\n"])
def test_of_another_checkout_or_another_python_it_is_made_anew(checkout: Checkout, answer: str) -> None:
    checkout.make()
    (checkout.directory / ".venv/bin/smarthost-is-here").write_text(answer)
    assert checkout.make() == ANEW
    assert checkout.make() == []


def test_a_link_is_its_owners(checkout: Checkout) -> None:
    checkout.make()
    (checkout.directory / ".venv").rename(checkout.directory / "owners")
    (checkout.directory / ".venv").symlink_to("owners")
    (checkout.directory / ".venv/bin/smarthost-is-here").write_text("False\n")
    assert checkout.make() == []


def test_where_no_program_would_start_it_says_so(tmp_path: Path) -> None:
    directory = tmp_path / "my mail"
    directory.mkdir()
    said = Checkout(directory).run().stderr
    assert said.startswith(b"make: smarthost cannot be where a directory's name has a blank in it: ")
    assert not (directory / ".venv").exists()
