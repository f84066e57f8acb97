"""What a log directory holds, with the names and stamps that differ from run to run taken out."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMP = re.compile(rb"@4[0-9a-f]{23}(?= )")


def unstamped(text: bytes) -> bytes:
    return STAMP.sub(b"@STAMP", text)


def contents(directory: Path, *, stamps: bool = False) -> dict[str, tuple[str, bytes]]:
    """Every file below a directory: mode and contents. Old files are numbered in their order."""
    found: dict[str, tuple[str, bytes]] = {}
    old = 0
    for path in sorted(directory.rglob("*")):
        if path.is_dir():
            continue
        name = str(path.relative_to(directory))
        if path.name.startswith("@"):
            name = f"{path.parent.relative_to(directory)}/@{old}{path.name[25:]}"
            old += 1
        text = path.read_bytes()
        found[name] = (oct(path.stat().st_mode & 0o777), unstamped(text) if stamps else text)
    return found


def lines(directory: Path) -> list[bytes]:
    """All lines that a log directory holds, the oldest first; also while it is written."""
    # The youngest file is read first: one that gets an older name meanwhile is met again, and not missed.
    texts: list[bytes] = []
    known: set[int] = set()
    for file in _youngest_first(directory):
        try:
            with file.open("rb") as opened:
                inode = os.fstat(opened.fileno()).st_ino
                if inode not in known:
                    texts.append(opened.read())
                    known.add(inode)
        except FileNotFoundError:
            pass
    return b"".join(reversed(texts)).splitlines()


def _youngest_first(directory: Path) -> Iterator[Path]:
    yield from (directory / "current", directory / "previous")
    yield from sorted(directory.glob("@*"), reverse=True)
