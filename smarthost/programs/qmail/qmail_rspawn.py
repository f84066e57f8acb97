"""qmail-rspawn: schedule deliveries to other hosts

    qmail-rspawn

Reads   commands on descriptor 0, as qmail-send writes them; queue/mess below QMAILHOME
Writes  a byte, how many deliveries it can run at once, and reports on descriptor 1; it forgets who timed out
        (queue/lock/tcpto)
Exits   0 when descriptor 0 has ended and all deliveries, too; 111 without a queue
Differs qmail-remote is the one in QMAILHOME/bin, else beside this program, else along PATH (the original: along
        PATH); where that is this installation's own it runs in a forked child, without a new interpreter;
        one that cannot be run defers (the original refuses for good where the file does not exist);
        who may own a message is whoever owns queue/mess, not the account qmailq;
        --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary
from smarthost.policy import remotereport
from smarthost.server import spawner
from smarthost.store import tcpto
from smarthost.store.home import program, qmail_home
from smarthost.unix import errtext, fds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME = "qmail-rspawn"


def _runner(home: bytes) -> Callable[[bytes, bytes], int]:
    """How a delivery is made, in its own process, with the message as its 0 and its reports on 1."""
    remote = os.environb.get(b"QMAILREMOTE") or program(b"qmail-remote", home)
    own = launch.own([remote])
    if own is not None:
        own.prepare()

    def run(sender: bytes, recipient: bytes) -> int:
        arguments = [recipient.rpartition(b"@")[2], sender, recipient]
        if own is not None and own.is_current():
            own.settle()
            return own.run_with(arguments)
        try:
            launch.execute([remote, *arguments], None)
        except OSError:
            return remotereport.TEMPORARY_STATUS

    return run


def body(_arguments: list[bytes]) -> int:
    fds.occupy_standard()
    home = os.path.abspath(qmail_home())
    os.environb[b"QMAILHOME"] = home
    run = _runner(home)
    try:
        os.chdir(home + b"/queue/mess")
    except OSError as error:
        raise Temporary(
            f"unable to switch to {os.fsdecode(home)}/queue/mess: {errtext.reason(error)}"
        ) from error
    try:
        tcpto.clear(home + tcpto.PLACE, wait=False)
    except OSError:
        pass  # it is a help and no more
    return spawner.Spawner(spawner.forked(run), remotereport.summary).serve()


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
