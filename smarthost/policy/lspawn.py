"""How did a local delivery go? What qmail-lspawn makes of exit statuses (qmail-lspawn.c, qlx.h).

The statuses below are for what went wrong before qmail-local ran; 0, 100 and 111 are qmail-local's own.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

USAGE: Final = 112
ROOT: Final = 113
NFS: Final = 115
NO_ALIAS: Final = 116
CDB: Final = 117
SYSTEM: Final = 118
NO_MEMORY: Final = 119
EXEC_SOFT: Final = 120
EXEC_GETPW: Final = 121
EXEC_HARD: Final = 126

TEXTS: Final[Mapping[int, bytes]] = {
    CDB: b"ZTrouble reading users/cdb in qmail-lspawn.\n",
    NO_MEMORY: b"ZOut of memory in qmail-lspawn.\n",
    SYSTEM: b"ZTemporary failure in qmail-lspawn.\n",
    NO_ALIAS: b"ZUnable to find alias user!\n",
    ROOT: b"ZNot allowed to perform deliveries as root.\n",
    USAGE: b"ZInternal qmail-lspawn bug.\n",
    NFS: b"ZNFS failure in qmail-local.\n",
    EXEC_HARD: b"DUnable to run qmail-local.\n",
    EXEC_SOFT: b"ZUnable to run qmail-local.\n",
    EXEC_GETPW: b"ZUnable to run qmail-getpw.\n",
}
CRASHED: Final = b"Zqmail-local crashed.\n"

# 71, 74 and 75 are what sendmail's programs mean by "try again".
DEFERRED: Final = (111, 71, 74, 75)

# How much of what a delivery says is passed on.
LONGEST: Final = 3000


def report(wait_status: int, output: bytes) -> bytes:
    """The report's letter and text."""
    ended = os.waitstatus_to_exitcode(wait_status)
    if ended < 0:
        return CRASHED
    if ended in TEXTS:
        return TEXTS[ended]
    letter = b"Z" if ended in DEFERRED else b"D" if ended else b"K"
    return letter + output
