"""Programs of a test's own that our tcpserver takes for programs of this installation."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Python imports this at its start: the test's folder becomes one more place of smarthost.programs.
SITE = """
import smarthost.programs
smarthost.programs.__path__.append({path!r})
"""
# For servers whose spare workers are to be there for the next client, however long a test takes for that.
PATIENT = """
from smarthost.server import pool
pool.IDLE_SECONDS = 1000
"""


def install(directory: Path, name: str, source: str, *, patient: bool = False) -> dict[str, str]:
    """Write a program and its launcher; the environment in which a server finds both.

    patient: spare workers stay
    """
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    (programs / f"{name}.py").write_text("REENTRANT = True\n" + source)
    (directory / "sitecustomize.py").write_text(
        SITE.format(path=str(programs)) + (PATIENT if patient else "")
    )
    launcher = directory / name
    launcher.write_text(
        f"#!{sys.executable}\nfrom smarthost.programs.{name} import main\n\nraise SystemExit(main())\n"
    )
    launcher.chmod(0o755)
    return {"PYTHONPATH": str(directory), "PATH": f"{directory}:{os.environ['PATH']}"}
