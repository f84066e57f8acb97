"""qmail-rspawn: schedule deliveries to other hosts

    qmail-rspawn

Reads   commands on descriptor 0, as qmail-send writes them; queue/mess below QMAILHOME
Writes  a byte, how many deliveries it can run at once, and reports on descriptor 1; it forgets who timed out
        (queue/lock/tcpto)
Exits   0 when descriptor 0 has ended and all deliveries, too; 111 without a queue
Differs qmail-remote is the one in QMAILHOME/bin, else beside this program, else along PATH (the original: along
        PATH); where that is this installation's own, processes that are there already make the deliveries;
        one that cannot be run defers, and so does one that ends with another status than 0 and 100 (the original
        refuses for good where the file does not exist, and for each status but 0 and 111);
        who may own a message is whoever owns queue/mess, not the account qmailq;
        --help and --version, alone, are answered
"""

from __future__ import annotations

import os

from smarthost import ending, launch
from smarthost.errors import Temporary
from smarthost.policy import remotereport
from smarthost.server import delivering, spawner
from smarthost.server.crew import AsUser, Crew
from smarthost.store import tcpto
from smarthost.store.home import program, qmail_home
from smarthost.unix import errtext, fds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from smarthost.launch import Own
    from smarthost.server.workers import Worker

NAME = "qmail-rspawn"


class Deliveries:
    """How a delivery is started."""

    def __init__(self, home: bytes) -> None:
        self._remote = os.environb.get(b"QMAILREMOTE") or program(b"qmail-remote", home)
        self._own = launch.own([self._remote])
        if self._own is not None:
            self._own.prepare()
        self.crew = Crew(self._own, always=True)

    def start(self, message: int, output: int, sender: bytes, recipient: bytes) -> int | Worker:
        """For the spawner. Raises OSError."""
        words = [recipient.rpartition(b"@")[2], sender, recipient]
        own = self._own
        if own is None or not own.is_current():
            return delivering.fork(message, output, lambda: self._become(words))
        if not self.crew.pays(None, words):
            return delivering.fork(message, output, lambda: _run(own, words))
        return self.crew.begin(None, AsUser(own, _nobody_else), message, output, words)

    def _become(self, words: list[bytes]) -> int:
        try:
            launch.execute([self._remote, *words], None)
        except OSError:
            return remotereport.TEMPORARY_STATUS


def _run(own: Own, words: list[bytes]) -> int:
    own.settle()
    return own.run_with(words)


def _nobody_else() -> None:
    """Deliveries to other hosts are all made by who this process is."""


def body(_arguments: list[bytes]) -> int:
    fds.occupy_standard()
    home = os.path.abspath(qmail_home())
    os.environb[b"QMAILHOME"] = home
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
    deliveries = Deliveries(home)
    return spawner.Spawner(deliveries.start, remotereport.summary, crew=deliveries.crew).serve()


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
