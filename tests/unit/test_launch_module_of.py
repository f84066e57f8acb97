"""Which programs are ours?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost import launch

if TYPE_CHECKING:
    from pathlib import Path

LAUNCHER = "#!/usr/bin/env python3\nfrom smarthost.programs.x.y import main\n\nraise SystemExit(main())\n"


@pytest.fixture(autouse=True)
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/none:{tmp_path}")


def write(place: Path, text: str, mode: int = 0o755) -> None:
    (place / "program").write_text(text)
    (place / "program").chmod(mode)


def test_a_launcher_names_its_module(tmp_path: Path) -> None:
    write(tmp_path, LAUNCHER)
    assert launch.module_of(b"program") == "smarthost.programs.x.y"
    assert launch.module_of(os.fsencode(tmp_path / "program")) == "smarthost.programs.x.y"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#!/bin/sh\ntrue\n",
        LAUNCHER.removeprefix("#!"),
        LAUNCHER.replace("smarthost.programs", "elsewhere"),
        LAUNCHER.replace("import main", "import main, more"),
        LAUNCHER + "\n",
        "#!x\n\nraise SystemExit(main())\n",
    ],
)
def test_other_programs_are_not_ours(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert launch.module_of(b"program") is None


def test_the_first_in_path_that_can_be_run_decides(tmp_path: Path) -> None:
    write(tmp_path, LAUNCHER)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "program").mkdir()
    assert launch.module_of(b"program") == "smarthost.programs.x.y"
    assert launch.module_of(b"other") is None
