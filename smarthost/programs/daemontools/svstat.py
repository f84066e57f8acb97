"""svstat: say how services are.

usage: svstat services

Reads   of each directory supervise/status, and whether there is a file down
Writes  a line for each on descriptor 1, all at once: whether it is up, under which process id, for how
        many seconds, and what is unusual about that; or why that cannot be said
Exits   0, whatever the lines say; 111 if it cannot come back to the directory it was started in
Differs --help and --version, alone, are answered. A status that cannot be read is called so; the
        original shows the last one that it could read, or zeros
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.errors import FormatError
from smarthost.formats import status, tai64
from smarthost.store import servicedir
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "svstat"
STDOUT = 1


def state() -> bytes:
    """How the service in the working directory is."""
    step = "unable to stat down"
    try:
        normally_up = servicedir.is_normally_up()
        step = "unable to open supervise/ok"
        try:
            servicedir.check_attended()
        except OSError as error:
            if servicedir.is_unattended(error):
                return b"supervise not running"
            raise
        step = "unable to open supervise/status"
        descriptor = servicedir.open_status()
        step = "unable to read supervise/status"
        try:
            data = os.read(descriptor, status.SIZE)
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"{step}: {errtext.reason(error)}".encode()
    try:
        known = status.unpack(data)
    except FormatError:
        return b"unable to read supervise/status: bad format"
    return status.describe(known, tai64.EPOCH + int(time.time()), normally_up=normally_up)


def body(arguments: list[bytes]) -> int:
    signals.undo_python()
    lines = []
    for directory, failure in servicedir.visit(arguments):
        words = state() if failure is None else b"unable to chdir: " + errtext.reason(failure).encode()
        lines.append(directory + b": " + words + b"\n")
    try:
        files.write_all(STDOUT, b"".join(lines))
    except OSError:
        pass
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
