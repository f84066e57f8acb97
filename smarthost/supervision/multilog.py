"""Which file does a running multilog write?"""

from __future__ import annotations

import os


def current_file(pid: int, directory: bytes) -> str | None:
    """`current` in the first log directory among the arguments of process `pid`, started in `directory`.

    None if the process is no multilog, or not yet: log/run is a shell, or setuidgid, at first.
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as cmdline:
            arguments = cmdline.read().split(b"\0")
    except OSError:
        return None
    names = [os.path.basename(argument) for argument in arguments]
    if b"multilog" not in names:
        return None
    for action in arguments[names.index(b"multilog") + 1 :]:
        if action.startswith((b".", b"/")):
            return os.fsdecode(os.path.normpath(os.path.join(directory, action, b"current")))
    return None
