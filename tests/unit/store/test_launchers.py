"""Launchers that are too long for a first line, or stand where blanks are; and what starts with a bundle, or without."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smarthost import bundle, launch
from smarthost.store import bundles, launchers
from tests.support.run import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Callable
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
    assert launchers.refresh(bytes(program), b"smarthost.programs.ucspi.tcprules")
    assert run([str(program)]).stderr.startswith(b"tcprules: usage:")
    assert launch.module_of(bytes(program)) == "smarthost.programs.ucspi.tcprules"


def test_every_program_has_a_name_and_a_module() -> None:
    programs = dict(launchers.programs())
    assert programs[b"tcpserver"] == b"smarthost.programs.ucspi.tcpserver"
    assert programs[b"qmail-qmqpd"] == b"smarthost.programs.qmail.qmail_qmqpd"
    assert b"smarthost-run" not in programs  # they need the environment that was made for them


def loaded(code: str) -> set[str]:
    """The modules of ours that there are after some statements in a new interpreter."""
    tell = "\nprint(*(name for name in sys.modules if name.partition('.')[0] == 'smarthost'))"
    started = [sys.executable, "-c", "import sys\n" + code + tell]
    return set(subprocess.run(started, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", sorted(map(bytes.decode, launchers.OFTEN)))
def test_a_bundle_holds_what_a_start_loads_and_in_that_order(module: str, tmp_path: Path) -> None:
    closure = bundles.closure(module)
    assert set(closure) == loaded(f"import {module}")
    bundles.put(bytes(tmp_path / "bundle"), module)
    from_it = "all(sys.modules[name].__spec__ is None for name in sys.modules if name.startswith('smarthost.programs'))"
    code = f"from smarthost.bundle import load\nload({str(tmp_path / 'bundle')!r})\nassert {from_it}"
    assert loaded(code) == {"smarthost.bundle", *closure}


def nothing(_: Path) -> None:
    """As it was made."""


def of_another_python(file: Path) -> None:
    import marshal

    _, entries = marshal.loads(file.read_bytes())
    file.write_bytes(marshal.dumps((b"....", entries)))


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: list[Callable[[Path], object]] = [
    nothing,
    of_another_python,
    lambda file: file.unlink(),
    lambda file: file.write_bytes(b""),
    lambda file: file.write_bytes(file.read_bytes()[:-1000]),
    lambda file: file.write_bytes(bytes(1000)),
    lambda file: file.write_bytes(b"text\n"),
    lambda file: file.chmod(0),
    a_directory,
    os.utime,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_becomes_of_the_bundle_the_program_starts(
    damage: Callable[[Path], object], tmp_path: Path
) -> None:
    program = tmp_path / "bin/forward"
    program.parent.mkdir()
    assert launchers.refresh(bytes(program), b"smarthost.programs.qmail.forward")
    made = tmp_path / "bin/.bundles/forward"
    assert made.is_file()
    assert launch.module_of(bytes(program)) == "smarthost.programs.qmail.forward"
    damage(made)
    assert run([str(program)]) == Outcome(100, b"", b"forward: fatal: NEWSENDER not set\n")


def test_a_source_that_has_changed_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it: what was made together is used together."""
    package = tmp_path / "smarthost"
    package.mkdir()
    for name in ("__init__.py", "one.py", "two.py"):
        (package / name).write_text("said = 'before'\n")
    (package / "one.py").write_text("from smarthost import two\nsaid = 'before ' + two.said\n")
    monkeypatch.setattr(bundles, "PACKAGE", bytes(package))
    bundles.put(bytes(tmp_path / "bundle"), "smarthost.one")

    def said() -> str:
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
            f"exec(compile(open({bundle.__file__!r}).read(), 'bundle', 'exec'))\n"
            f"load({str(tmp_path / 'bundle')!r})\n"
            "from smarthost import one\nprint(one.said, one.__spec__ is None)"
        )
        done = subprocess.run([sys.executable, "-Bc", code], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert said() == "before before True"
    (package / "two.py").write_text("said = 'afterwards'\n")
    assert said() == "before afterwards False"


def test_what_is_none_of_ours_stays(tmp_path: Path) -> None:
    program = tmp_path / "forward"
    program.write_text("#!/bin/sh\n")
    assert not launchers.refresh(bytes(program), b"smarthost.programs.qmail.forward")
    assert program.read_text() == "#!/bin/sh\n"
    assert os.listdir(tmp_path) == ["forward"]
