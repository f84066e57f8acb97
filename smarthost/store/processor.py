"""What a processor makes of a full log file: on descriptors 0, 1, 4 and 5, by the shell, in the directory.

`run` is the original's way: the log waits until it has succeeded.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.store.steps import persist
from smarthost.unix import errtext, files, process, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from smarthost.store.steps import Pause

COMPLETE = 0o744


def run(name: str, command: bytes, pause: Pause) -> None:
    """Turn `previous` into `processed`, complete and safe, and the next state into state."""
    while not _succeeds(name, command, pause):
        pause(f"processor failed in {name}, pausing")
    _make_safe(name, b"processed", COMPLETE, pause)
    _make_safe(name, b"newstate", None, pause)
    persist(pause, f"remove {name}/previous", files.unlink, b"previous")
    persist(pause, f"rename newstate to state in directory {name}", files.rename, b"newstate", b"state")


def _succeeds(name: str, command: bytes, pause: Pause) -> bool:
    """Feed previous to the processor: did it succeed?"""
    opened = [
        (0, b"previous", shell.READ),
        (1, b"processed", shell.REPLACE),
        (4, b"state", shell.READ),
        (5, b"newstate", shell.REPLACE),
    ]
    while True:
        try:
            child = shell.start(command, opened, lambda error: lament(command, error))
            break
        except OSError as error:
            pause(f"unable to fork for processor in {name}, pausing: {errtext.reason(error)}")
    try:
        status = process.wait(child)
    except OSError as error:
        pause(f"wait failed for processor in {name}, pausing: {errtext.reason(error)}")
        return False
    if status < 0:
        pause(f"processor crashed in {name}, pausing: signal {-status}")
    return status == 0


def _make_safe(name: str, path: bytes, mode: int | None, pause: Pause) -> None:
    """What the processor wrote goes to the disk, and says so."""
    shown = f"{name}/{os.fsdecode(path)}"
    descriptor = persist(pause, f"create {shown}", files.open_append, path)
    try:
        persist(pause, f"write {shown} to disk", files.sync, descriptor)
        if mode is not None:
            persist(pause, f"set mode of {shown}", files.change_mode, descriptor, mode)
    finally:
        files.close(descriptor)


def lament(command: bytes, error: OSError) -> int:
    """The last words of a child that cannot become the processor, and its exit status."""
    words = Temporary(f"unable to run {os.fsdecode(command)}: {errtext.reason(error)}")
    os.write(2, os.fsencode(words.line("multilog")))
    return words.status
