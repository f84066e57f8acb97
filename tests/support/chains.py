"""A chain program and its original on one command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.originals import original
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Children that show what a link of a chain may not have changed.
UNCHANGED = [
    ["grep", "-E", "^(Sig[BIC]|Shd)", "/proc/self/status"],
    ["ls", "/proc/self/fd"],
    ["sh", "-c", "pwd; umask; ulimit -a"],
]


def both(
    name: str,
    arguments: Sequence[str | bytes],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
) -> tuple[Outcome, Outcome]:
    """What the original does, and what ours does."""
    theirs, mine = (
        run([program, *arguments], stdin, env=env, cwd=cwd) for program in (original(name), ours(name))
    )
    return theirs, mine
