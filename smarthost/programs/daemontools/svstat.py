"""svstat: say how services are.

usage: svstat [ --json ] services

Reads   of each directory supervise/status, and whether there is a file down
Writes  a line for each on descriptor 1, all at once: whether it is up, under which process id, for how
        many seconds, and what is unusual about that; or why that cannot be said. With --json an object each
Exits   0, whatever the lines say; 111 if it cannot come back to the directory it was started in
Differs --help and --version, alone, are answered, and --json, first, is an option: a directory of that name is
        ./--json. A service that said by notification-fd that it is ready is said to be so. A status that
        cannot be read is called so; the original shows the last one that it could read, or zeros
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
    from typing import Any

NAME = "svstat"
STDOUT = 1
JSON = b"--json"

WANTED = {status.WANT_UP: "up", status.WANT_DOWN: "down"}


class State:
    """How the service in the working directory is; or `problem`: why that cannot be said."""

    def __init__(self) -> None:
        self.problem = ""
        self.known = status.Status(0, 0, 0)
        self.normally_up = True
        step = "unable to stat down"
        try:
            self.normally_up = servicedir.is_normally_up()
            step = "unable to open supervise/ok"
            try:
                servicedir.check_attended()
            except OSError as error:
                if not servicedir.is_unattended(error):
                    raise
                self.problem = "supervise not running"
                return
            step = "unable to open supervise/status"
            descriptor = servicedir.open_status()
            step = "unable to read supervise/status"
            try:
                self.known = status.unpack(os.read(descriptor, status.SIZE))
            finally:
                os.close(descriptor)
        except OSError as error:
            self.problem = f"{step}: {errtext.reason(error)}"
        except FormatError:
            self.problem = f"{step}: bad format"

    def ready_since(self) -> int | None:
        return servicedir.ready_since(self.known.pid) if self.known.pid else None

    def words(self) -> bytes:
        if self.problem:
            return self.problem.encode()
        return status.describe(
            self.known, _now(), normally_up=self.normally_up, ready_since=self.ready_since()
        )

    def values(self) -> dict[str, Any]:
        """The same for a program. Null: it is not to be started again; it does not say whether it is ready."""
        if self.problem:
            return {"supervised": False, "error": self.problem}
        known, ready, now = self.known, self.ready_since(), _now()
        says = known.pid != 0 and (ready is not None or servicedir.says_when_ready())
        return {
            "supervised": True,
            "up": known.pid != 0,
            "pid": known.pid or None,
            "since": known.since - tai64.EPOCH,
            "seconds": status.seconds(known.since, now),
            "normally": "up" if self.normally_up else "down",
            "want": WANTED.get(known.want),
            "paused": known.pid != 0 and known.paused,
            "finishing": known.pid == 0 and servicedir.is_finishing(),
            "ready": ready is not None if says else None,
            "ready_seconds": status.seconds(ready, now) if ready is not None else None,
        }


def _now() -> int:
    return tai64.EPOCH + int(time.time())


def _object(directory: bytes, failure: OSError | None) -> bytes:
    import json  # noqa: PLC0415  it takes as long as all else

    values = (
        {"supervised": False, "error": "unable to chdir: " + errtext.reason(failure)} if failure else None
    )
    # What is no UTF-8 in a name becomes half a surrogate pair, as Python's os.fsencode takes it back.
    named = {"directory": os.fsdecode(directory), **(values or State().values())}
    return json.dumps(named).encode() + b"\n"


def _line(directory: bytes, failure: OSError | None) -> bytes:
    words = State().words() if failure is None else b"unable to chdir: " + errtext.reason(failure).encode()
    return directory + b": " + words + b"\n"


def body(arguments: list[bytes]) -> int:
    signals.undo_python()
    show = _line
    if arguments[:1] == [JSON]:
        show, arguments = _object, arguments[1:]
    text = b"".join([show(directory, failure) for directory, failure in servicedir.visit(arguments)])
    try:
        files.write_all(STDOUT, text)
    except OSError:
        pass
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
