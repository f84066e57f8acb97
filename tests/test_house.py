"""The structure of the code: who may import whom; every launcher has its program, tests, manual and line."""

from __future__ import annotations

import ast
import keyword
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "smarthost"

PROGRAM_ROOMS = {
    "errors",
    "bundle",
    "ending",
    "options",
    "launch",
    "formats",
    "logs",
    "policy",
    "sending",
    "server",
    "store",
    "unix",
}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "formats": {"errors"},
    "policy": {"errors", "formats"},
    "unix": {"errors"},
    "bundle": set(),
    "ending": {"errors", "unix"},
    "options": {"errors"},
    "launch": {"bundle", "errors", "formats", "unix"},
    "store": {"bundle", "errors", "formats", "policy", "unix"},
    "logs": {"errors", "formats", "policy", "store", "unix"},
    "sending": {"errors", "formats", "policy", "store", "unix"},
    "server": {"errors", "formats", "launch", "policy", "store", "unix"},
    "supervision": {"errors", "ending", "formats", "policy", "store", "unix"},
    "programs": PROGRAM_ROOMS,
}
# A third-party package has one door.
DOORS = {
    "cdbx": {"formats/cdb.py"},
    "click": {"programs/admin/*"},
    "supervisor": {"supervision/*"},
}


def sources(room: str) -> list[Path]:
    single = PACKAGE / f"{room}.py"
    return [single] if single.exists() else sorted((PACKAGE / room).rglob("*.py"))


def imported(source: Path) -> set[str]:
    """Every module named in an import statement, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_used(source: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(source) if name.startswith("smarthost.")}


def test_every_room_has_its_rule() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.stem not in ("__init__", "__pycache__")}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_from_below(room: str) -> None:
    for source in sources(room):
        assert rooms_used(source) - {room} <= MAY_IMPORT[room], source


def test_programs_do_not_import_each_other() -> None:
    for source in sources("programs"):
        assert "programs" not in rooms_used(source), source


@pytest.mark.parametrize("package", DOORS)
def test_third_party_packages_have_one_door(package: str) -> None:
    for source in PACKAGE.rglob("*.py"):
        if any(name.split(".")[0] == package for name in imported(source)):
            assert any(source.relative_to(PACKAGE).match(door) for door in DOORS[package]), source


def test_an_installation_has_every_room() -> None:
    """An editable one has them all, whatever setup.cfg says."""
    named = {line.strip() for line in (ROOT / "setup.cfg").read_text().splitlines()}
    for source in PACKAGE.rglob("__init__.py"):
        assert ".".join(source.parent.relative_to(ROOT).parts) in named, source


def test_every_init_is_empty() -> None:
    for source in PACKAGE.rglob("__init__.py"):
        assert source.read_text() == "", source


def test_what_may_vanish_between_two_looks_has_one_reader() -> None:
    """A process ends when it likes. What /proc says of one is asked for where that is thought of."""
    readers = [
        source.name
        for source in (ROOT / "tests").rglob("*.py")
        if any(path in source.read_text() for path in ("/proc/{", '"/proc"', "/proc/locks"))
    ]
    assert sorted(readers) == ["processes.py", "test_house.py"]


def launchers() -> list[str]:
    return sorted(path.name for path in (ROOT / "bin").iterdir() if path.is_file())


@pytest.mark.parametrize("name", launchers())
def test_launcher_only_points_and_everything_else_is_there(name: str) -> None:
    launcher = ROOT / "bin" / name
    assert launcher.stat().st_mode & 0o111 == 0o111
    module = name.replace("-", "_") + ("_" if keyword.iskeyword(name) else "")
    [program] = PACKAGE.glob(f"programs/*/{module}.py")
    address = ".".join(program.relative_to(ROOT).with_suffix("").parts)
    assert launcher.read_text() == (
        f"#!/usr/bin/env python3\nfrom {address} import main\n\nraise SystemExit(main())\n"
    )
    assert f"bin/{name}\n" in (ROOT / "setup.cfg").read_text().replace("    ", "")
    assert f"`{name}`" in (ROOT / "README.md").read_text(), "README has no line for it"
    assert list((ROOT / "man").glob(f"man?/{name}.?")), "no manual page"
    assert list((ROOT / "tests").rglob(f"test_{module}*.py")), "no tests of its own"
