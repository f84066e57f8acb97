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
        self._order = self._place / "order"
        keep = f'to={self._place}/$$; cat >"$to.message"; cat <&1 >"$to.envelope"; echo $$ >>{self._order}; '
        (place / "queue-program").write_text("#!/bin/sh\n" + keep + then + "\n")
        (place / "queue-program").chmod(0o755)

    def kept(self) -> list[tuple[bytes, bytes]]:
        """(message, envelope) of each, in the order they came, and none is kept any longer."""
        # Not by their times: of two that come within one tick of the clock they are the same.
        found = []
        for name in self._order.read_text().split() if self._order.exists() else []:
            message, envelope = self._place / f"{name}.message", self._place / f"{name}.envelope"
            if envelope.exists():  # else it was taken before
                found.append((message.read_bytes(), envelope.read_bytes()))
                message.unlink()
                envelope.unlink()
        return found
