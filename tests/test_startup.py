"""What a program that runs per connection or per message may load.

A bare interpreter takes about ten milliseconds here; click, typing or socket each add as much again.
What is not in these lists is not loaded, and a new line in one is a decision.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What os brings, for every program needs it. Python has abc with it or, before 3.14, has it already.
OS = {"_abc", "_collections_abc", "abc", "_stat", "genericpath", "os", "os.path", "posixpath", "stat"}
EVERY = OS | {"__future__", "errno"}
SERVER = EVERY | {"_socket", "_struct", "fcntl", "gc", "resource", "select", "struct"}

# array counts itself among the sequences, which brings in collections.
ARRAY = EVERY | {
    "_collections",
    "_operator",
    "array",
    "binascii",
    "collections",
    "collections.abc",
    "itertools",
    "keyword",
    "operator",
    "reprlib",
}

MAY_LOAD = {
    # Once per service; a pattern loads re, and a pipe ctypes.
    "daemontools.multilog": EVERY | {"fcntl", "select"},
    "daemontools.tai64n": EVERY,
    "daemontools.tai64nlocal": ARRAY,
    "daemontools.envdir": EVERY,
    "daemontools.envuidgid": EVERY,
    "daemontools.fghack": EVERY,
    "daemontools.pgrphack": EVERY,
    "daemontools.readproctitle": EVERY,
    "daemontools.setlock": EVERY,
    "daemontools.supervise": EVERY,
    "daemontools.svc": EVERY,
    "daemontools.svok": EVERY,
    "daemontools.svscan": EVERY,
    "daemontools.svscanboot": EVERY | {"fcntl"},
    "qmail.bouncesaying": EVERY,
    "qmail.condredirect": EVERY,
    "qmail.datemail": EVERY,
    "qmail.except_": EVERY,
    "qmail.forward": EVERY,
    "qmail.mailq": EVERY,
    "qmail.mailsubj": EVERY,
    "qmail.predate": EVERY,
    "qmail.preline": EVERY,
    "qmail.qmail_getpw": EVERY | {"pwd"},
    "qmail.qmail_clean": EVERY,
    "qmail.qmail_inject": EVERY,
    "qmail.qmail_local": EVERY,
    # Once per service; what it has loaded is copied at every delivery.
    "qmail.qmail_lspawn": SERVER,
    "qmail.qmail_qmqpc": EVERY | {"_socket"},
    "qmail.qmail_qmqpd": EVERY,
    "qmail.qmail_qread": EVERY,
    "qmail.qmail_qstat": EVERY,
    "qmail.qmail_queue": EVERY,
    # Runs in workers of qmail-rspawn, which has ssl loaded beforehand where TLS may be spoken.
    "qmail.qmail_remote": EVERY | {"_socket"},
    "qmail.qmail_rspawn": EVERY | {"_socket", "fcntl", "gc", "resource", "select"},
    "qmail.qmail_tcpok": EVERY,
    "qmail.qmail_tcpto": EVERY,
    # Once per service: array for the schedule, threads' queues to sync many files at once.
    "qmail.qmail_send": ARRAY | {"_queue", "fcntl", "gc", "math", "select"},
    "qmail.qmail_start": EVERY,
    "qmail.sendmail": EVERY,
    # Once per service, but what it has loaded is copied at every fork.
    "ucspi.tcpserver": SERVER,
    "ucspi.unixclient": EVERY | {"_socket"},
    "ucspi.unixserver": SERVER,
}

LOADED = """
import sys
before = set(sys.modules)
sys.path.insert(0, {root!r})
import smarthost.programs.{program}
print(*sorted(set(sys.modules) - before), sep="\\n")
"""


@pytest.mark.parametrize("program", MAY_LOAD)
def test_it_loads_nothing_else(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOADED.format(root=str(ROOT), program=program)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name for name in done.stdout.split() if name.split(".")[0] != "smarthost"}
    assert loaded <= MAY_LOAD[program]
