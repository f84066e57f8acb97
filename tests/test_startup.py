"""What a program that is started for each connection or message may load: a bare interpreter takes long enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Built into the interpreter, but for __future__, which has no imports of its own.
LIGHT = {"__future__", "_signal", "errno", "pwd", "time"}

MODULES = {
    "smarthost.programs.qmail.forward": LIGHT,
    "smarthost.programs.qmail.qmail_qmqpc": LIGHT | {"_socket"},
    "smarthost.programs.qmail.qmail_qmqpd": LIGHT,
    "smarthost.programs.qmail.qmail_queue": LIGHT,
}

ROOT = Path(__file__).parent.parent
LOADED = "import os, sys; sys.path.insert(0, {!r}); before = set(sys.modules); import {}; print(*(set(sys.modules) - before))"


@pytest.mark.parametrize("module", MODULES)
def test_it_starts_light(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOADED.format(str(ROOT), module)],
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = {name for name in done.stdout.split() if not name.startswith("smarthost")}
    assert loaded <= MODULES[module]
