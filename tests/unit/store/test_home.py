"""Which home a program belongs to. Not tested: nothing known."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.home import DEFAULT, program, qmail_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A mini-qmail home with one launcher, which is not the file that a package manager installed."""
    (tmp_path / "mini/bin").mkdir(parents=True)
    (tmp_path / "mini/control").mkdir()
    (tmp_path / "opt/bin").mkdir(parents=True)
    (tmp_path / "opt/bin/sendmail").touch()
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "mini/bin/sendmail").symlink_to("../../opt/bin/sendmail")
    (tmp_path / "usr/sbin/sendmail").symlink_to(tmp_path / "mini/bin/sendmail")
    return tmp_path


def test_the_environment_decides(tree: Path) -> None:
    launcher = os.fsencode(tree / "mini/bin/sendmail")
    assert qmail_home({b"QMAILHOME": b"/somewhere"}, launcher) == b"/somewhere"


def test_an_empty_variable_says_nothing(tree: Path) -> None:
    launcher = os.fsencode(tree / "mini/bin/sendmail")
    assert qmail_home({b"QMAILHOME": b""}, launcher) == os.fsencode(tree / "mini")


@pytest.mark.parametrize("launcher", ["mini/bin/sendmail", "usr/sbin/sendmail", "mini/bin/../bin/sendmail"])
def test_the_home_that_the_launcher_lies_in(tree: Path, launcher: str) -> None:
    assert qmail_home({}, os.fsencode(tree / launcher)) == os.fsencode(tree / "mini")


def test_a_relative_launcher(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "mini")
    assert qmail_home({}, b"bin/sendmail") == os.fsencode(tree / "mini")


@pytest.mark.parametrize("launcher", ["opt/bin/sendmail", "nowhere/bin/sendmail", "mini/control/sendmail"])
def test_elsewhere_it_is_the_originals_home(tree: Path, launcher: str) -> None:
    assert qmail_home({}, os.fsencode(tree / launcher)) == DEFAULT


def test_links_in_a_circle_end(tree: Path) -> None:
    (tree / "usr/sbin/a").symlink_to("b")
    (tree / "usr/sbin/b").symlink_to("a")
    assert qmail_home({}, os.fsencode(tree / "usr/sbin/a")) == DEFAULT


def test_by_default_it_asks_the_process(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMAILHOME", raising=False)
    monkeypatch.setattr("sys.argv", [str(tree / "usr/sbin/sendmail")])
    assert qmail_home() == os.fsencode(tree / "mini")


class TestProgram:
    @pytest.fixture(autouse=True)
    def _started_from_usr_sbin(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", [str(tree / "usr/sbin/sendmail")])

    def test_of_the_home(self, tree: Path) -> None:
        (tree / "opt/bin/sendmail").chmod(0o755)
        home = os.fsencode(tree / "mini")
        assert program(b"sendmail", home) == home + b"/bin/sendmail"

    def test_beside_the_launcher(self, tree: Path) -> None:
        (tree / "usr/sbin/tool").touch(0o755)
        assert program(b"tool", os.fsencode(tree / "mini")) == os.fsencode(tree / "usr/sbin/tool")

    def test_anywhere(self, tree: Path) -> None:
        assert program(b"tool", os.fsencode(tree / "mini")) == b"tool"
