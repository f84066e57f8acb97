"""Homes with a queue, and what lies in one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from smarthost.store import spool

if TYPE_CHECKING:
    from pathlib import Path


def make_home(home: Path) -> Path:
    """An empty home: control/, bin/ and a queue."""
    for name in ("control", "bin"):
        (home / name).mkdir(parents=True, exist_ok=True)
    spool.make_queue(os.fsencode(home))
    return home


def queued(home: Path) -> dict[str, bytes]:
    """Every file that a message has in the queue, by its path below queue/."""
    queue = home / "queue"
    found = {}
    for path in sorted(queue.rglob("*")):
        if path.is_file() and path.parent.name != "lock":
            try:
                found[str(path.relative_to(queue))] = path.read_bytes()
            except FileNotFoundError:
                pass  # whoever works on the queue has removed it since
    return found


def messages(home: Path) -> list[tuple[bytes, bytes]]:
    """The queued messages, as (message, envelope): those that have a name in todo/."""
    queue = home / "queue"
    found = []
    for todo in sorted((queue / "todo").iterdir()):
        [mess] = (queue / "mess").glob(f"*/{todo.name}")
        found.append((mess.read_bytes(), todo.read_bytes()))
    return found
