"""A C program of the qmail that QMAIL_PEER names, with a home of the test's own.

Its home is compiled in, so the test's directory is mounted over it, where only that program sees it.
"""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.originals import qmail_peer

_MOUNT = 'mount --rbind "$1/bin" "$2/bin" && mount --rbind "$2" "$1" && shift 2 && exec "$@"'


def _alone(home: Path, peer: Path) -> list[str]:
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    return [*unshare, "sh", "-c", _MOUNT, "sh", str(peer), str(home)]


def peer_in_home(name: str, home: Path) -> list[str]:
    """The words that run the C program `name` in the home. Without leave to mount the test is skipped."""
    program = qmail_peer(name)
    peer = Path(program).parent.parent
    (home / "bin").mkdir(exist_ok=True)
    status = os.stat(program)
    if status.st_mode & stat.S_ISUID and os.geteuid() == 0:  # it works on the queue as its owner
        for path in [home / "queue", *(home / "queue").rglob("*")]:
            os.chown(path, status.st_uid, status.st_gid)
    words = _alone(home, peer)
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    return [*words, program]
