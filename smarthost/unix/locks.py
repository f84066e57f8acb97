"""Which process has a file locked?"""

from __future__ import annotations

import os

from smarthost.unix import files


def holder(path: bytes) -> int | None:
    """The process that has it locked by flock; None if no process that we may look at does.

    /proc/locks would say so in one file, but by numbers of devices that stat does not show on every file
    system. A descriptor's own fdinfo has the lock's line, with the process that took it: a child that
    inherited the descriptor is not meant.
    """
    wanted = os.stat(path)
    for process in os.listdir(b"/proc"):
        if not process.isdigit():
            continue
        descriptors = b"/proc/%s/fd" % process
        try:
            names = os.listdir(descriptors)
        except OSError:  # it has ended, or is not ours to look at
            continue
        for name in names:
            try:
                found = os.stat(descriptors + b"/" + name)
                if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino):
                    continue
                pid = _locked_by(b"/proc/%s/fdinfo/%s" % (process, name))
            except OSError:
                continue
            if pid:
                return pid
    return None


def _locked_by(fdinfo: bytes) -> int:
    """`lock: 1: FLOCK ADVISORY WRITE PID DEVICE:INODE 0 EOF`; 0 if there is no such line."""
    descriptor = files.open_read(fdinfo)
    try:
        text = b"".join(files.blocks(descriptor))
    finally:
        os.close(descriptor)
    for line in text.splitlines():
        words = line.split()
        if len(words) > 5 and words[0] == b"lock:" and words[2] == b"FLOCK" and words[5].isdigit():
            return int(words[5])
    return 0
