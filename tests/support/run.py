"""A program, run to its end, and what it left."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 60

# The launchers of the installation under test.
BIN = Path(os.environ.get("SMARTHOST_BIN") or Path(sys.executable).parent)


def ours(name: str) -> str:
    """The path of our program."""
    path = BIN / name
    assert path.is_file(), f"{name} is not installed in {BIN}"
    return str(path)


def blocking(*signums: int) -> list[str]:
    """What stands before a command to have it started with these signals blocked."""
    script = (
        "import os, signal, sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); "
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); "
        f"signal.pthread_sigmask(signal.SIG_BLOCK, {[int(signum) for signum in signums]}); "
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-Ec", script]


@dataclass(frozen=True)
class Outcome:
    """status: the exit status, or minus the signal that ended it."""

    status: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str | bytes],
    stdin: bytes = b"",
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Outcome:
    """Run to the end with signals at their defaults. `env` replaces the environment but for PATH."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **env} if env is not None else None
    done = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        env=environment,
        cwd=cwd,
        timeout=TIMEOUT,
        check=False,
        pass_fds=pass_fds,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
