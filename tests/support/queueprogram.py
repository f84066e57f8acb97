"""A queue program that keeps what it is given, as $QMAILQUEUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class QueueProgram:
    """Each message becomes two files; `then` is what the script does after that."""

    def __init__(self, place: Path, then: str = "") -> None:
        self._place = place / "kept"
        self._place.mkdir(parents=True, exist_ok=True)
        self.path = str(place / "queue-program")
        keep = f'to={self._place}/$$; cat >"$to.message"; cat <&1 >"$to.envelope"; '
        (place / "queue-program").write_text("#!/bin/sh\n" + keep + then + "\n")
        (place / "queue-program").chmod(0o755)

    def kept(self) -> list[tuple[bytes, bytes]]:
        """(message, envelope) of each, and none is kept any longer."""
        found = []
        for envelope in sorted(self._place.glob("*.envelope"), key=lambda path: path.stat().st_mtime_ns):
            message = envelope.with_suffix(".message")
            found.append((message.read_bytes(), envelope.read_bytes()))
            message.unlink()
            envelope.unlink()
        return found
