"""Launchers that are too long for a first line, or stand where blanks are.

Not tested here: copies and their record (tests/e2e/test_smarthost_deploy.py).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from smarthost import launch
from smarthost.store import deployment
from tests.support.run import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("directory", ["short", "a" * 150, "it's a place"])
def test_a_launcher_starts_wherever_python_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str
) -> None:
    (tmp_path / directory).mkdir()
    python = tmp_path / directory / "python"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    program = tmp_path / "tcprules"
    program.write_bytes(deployment.launcher(b"smarthost.programs.ucspi.tcprules"))
    program.chmod(0o755)
    assert run([str(program)]).stderr.startswith(b"tcprules: usage:")
    assert launch.module_of(bytes(program)) == "smarthost.programs.ucspi.tcprules"


def test_every_program_has_a_name_and_a_module() -> None:
    programs = dict(deployment.programs())
    assert programs[b"tcpserver"] == b"smarthost.programs.ucspi.tcpserver"
    assert programs[b"qmail-qmqpd"] == b"smarthost.programs.qmail.qmail_qmqpd"
    assert b"smarthost-run" not in programs  # they need the environment that was made for them


def test_defaults_are_the_checkouts_or_the_installations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (deployment.defaults() + b"/service").endswith(b"/service")
    monkeypatch.setattr(deployment, "PACKAGE", bytes(tmp_path / "smarthost"))
    assert deployment.defaults() == sys.prefix.encode() + b"/share/smarthost"


def test_defaults_are_where_pip_wrote_that_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a virtual environment: not below sys.prefix."""
    packages = tmp_path / "local/lib/site-packages"
    information = packages / "smarthost-9.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: smarthost\nVersion: 9\n")
    (information / "RECORD").write_text("../../share/smarthost/service/supervisord.conf,,\n")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setattr(deployment, "PACKAGE", bytes(packages / "smarthost"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "usr"))
    assert deployment.defaults() == bytes(tmp_path / "local/share/smarthost")
