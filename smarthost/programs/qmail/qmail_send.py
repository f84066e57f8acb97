"""qmail-send: deliver the messages of the queue.

Reads   the queue of QMAILHOME; reports of qmail-lspawn, qmail-rspawn and qmail-clean on descriptors 2, 4 and
        6; control/ bouncefrom, bouncehost, concurrencylocal, concurrencyremote, doublebouncehost,
        doublebounceto, envnoathost, locals, me, percenthack, queuelifetime, virtualdomains; and where there
        is control/remotes, pausetime and maxpause
Writes  its log (qmail-log(5)) on descriptor 0; commands to those three on 1, 3 and 5
Signals TERM: end when the deliveries that run have ended. ALRM: every message is to be tried now. HUP: read
        locals and virtualdomains again
Exits   0 after TERM, or when one of the three is lost; 111 cannot start
Differs The home is not compiled in, and the number of directories in mess is counted. A bounce file is synced
        before its recipient counts as done. queue/orders, queue/hold and queue/why are the queue tools'; where
        those directories are missing nothing else happens than in the original. Numbers in control files that
        do not fit are taken for the largest that does. Where control/remotes says that this is a null client,
        messages for others are tried again as nullmailer-send does it: after control/pausetime (60 seconds; 0
        counts as that), and each time twice as long, up to control/maxpause (86400). The queue program has
        nothing of ours but 0, 1 and 6 open; its stderr goes nowhere. Without memory, and after a mistake of our own,
        it says so and ends with 111: the queue is as after a crash, and whoever watches it starts it again.
"""

from __future__ import annotations

import gc
import os

from smarthost import ending, launch
from smarthost.formats import sendlog
from smarthost.formats.queuefiles import LOCAL, REMOTE, Places
from smarthost.policy import retry
from smarthost.policy.rewrite import Rewriter
from smarthost.sending.channel import FROM_SPAWN, TO_SPAWN
from smarthost.sending.desk import FROM_CLEAN, LOG, SLEEP, TO_CLEAN, Desk
from smarthost.sending.loop import CAUGHT, Loop, Wishes
from smarthost.store import spool, submission
from smarthost.store.bounces import Words
from smarthost.store.controls import ME, Controls
from smarthost.store.home import qmail_home
from smarthost.unix import environment, fds, files, process, signals
from smarthost.unix.syncing import Syncers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from smarthost.store.submission import Start

NAME: Final = "qmail-send"

LIFETIME: Final = 604800
CONCURRENCY: Final = (10, 20)
CONCURRENCY_NAMES: Final = (b"concurrencylocal", b"concurrencyremote")


class CannotStart(Exception):
    """In qmail-log(5)'s words."""

    def __init__(self, why: bytes) -> None:
        super().__init__(why)
        self.why: Final = why


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    del arguments  # the original looks at none
    try:
        _deliver()
    except CannotStart as error:
        return _last_words(sendlog.cannot_start(error.why))
    except MemoryError:
        return _last_words(sendlog.ending_for(b"out of memory"))
    except Exception as error:  # noqa: BLE001  nobody reads descriptor 2
        what = f"internal error: {type(error).__name__}: {error}"
        return _last_words(sendlog.ending_for(os.fsencode(what).replace(b"\n", b" ")))
    return 0


def _last_words(line: bytes) -> int:
    try:
        files.write_all(LOG, line)
    except OSError:
        pass
    return 111


class Facts:
    """What the control files say. Raises OSError, also where nothing says what is local."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self.me = controls.line(ME)
        self.lifetime = self._number(b"queuelifetime", LIFETIME)
        self.concurrency = [
            self._number(name, default) for name, default in zip(CONCURRENCY_NAMES, CONCURRENCY, strict=True)
        ]
        no_host = self._line(b"envnoathost", self.me, b"envnoathost")
        box = self._line(b"bouncefrom", None, b"MAILER-DAEMON")
        host = self._line(b"bouncehost", self.me, b"bouncehost")
        double_host = self._line(b"doublebouncehost", self.me, b"doublebouncehost")
        double_to = self._line(b"doublebounceto", None, b"postmaster")
        self.words = Words(box, host, double_to + b"@" + double_host)
        local = self.locals()
        percent = controls.lines(b"percenthack") or []
        self.rewriter = Rewriter(local, percent, self.virtual(), no_host)
        self.retries: list[retry.Quadratic | retry.Doubling] = [retry.Quadratic(skip) for skip in retry.SKIPS]
        if controls.content(b"remotes") is not None:
            self.retries[REMOTE] = retry.Doubling(
                self._number(b"pausetime", retry.PAUSE), self._number(b"maxpause", retry.LONGEST_PAUSE)
            )

    def _number(self, name: bytes, default: int) -> int:
        number = self._controls.number(name)
        return default if number is None else number

    def _line(self, name: bytes, me: bytes | None, default: bytes) -> bytes:
        line = self._controls.line(name)
        if line is None:
            line = me
        return default if line is None else line

    def locals(self) -> list[bytes]:
        """The file's, else what control/me said at the start."""
        lines = self._controls.lines(b"locals")
        if lines is None and self.me is not None:
            return [self.me]
        if lines is None:
            raise FileNotFoundError
        return lines

    def virtual(self) -> list[bytes]:
        return self._controls.lines(b"virtualdomains") or []


def _deliver() -> None:
    environment.undo_python()
    wishes = Wishes()  # before anything is read that HUP is about
    home = os.path.abspath(qmail_home())
    if os.environb.get(b"QMAILHOME"):
        os.environb[b"QMAILHOME"] = home  # for the queue program, which begins elsewhere
    try:
        os.chdir(home)
    except OSError:
        raise CannotStart(b"unable to switch to home directory") from None
    try:
        facts = Facts(Controls(b"."))
    except OSError:
        raise CannotStart(b"unable to read controls") from None
    try:
        home_directory = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.chdir(b"queue")
        queue_directory = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        split = spool.split_of(b".") or spool.SPLIT
    except OSError:
        raise CannotStart(b"unable to switch to queue directory") from None
    signals.ignore(signals.SIGPIPE)
    signals.uncatch(signals.SIGCHLD)
    os.umask(0o077)
    _lock()
    limits = [
        min(facts.concurrency[channel], _spawner_limit(FROM_SPAWN[channel])) for channel in (LOCAL, REMOTE)
    ]
    desk = Desk(Places(split), facts.rewriter, facts.lifetime, wishes.pause)

    def reread() -> None:
        _reread(home, facts, desk)

    loop = Loop(
        desk,
        wishes,
        limits,
        facts.retries,
        words=facts.words,
        start=_starter(home_directory, queue_directory),
        sync_all=Syncers().sync_all,
        reread=reread,
    )
    gc.collect()
    gc.freeze()
    loop.run()


def _lock() -> None:
    """Held until the process ends."""
    try:
        descriptor = files.open_write(b"lock/sendmutex")
    except OSError:
        raise CannotStart(b"unable to open mutex") from None
    try:
        files.lock_at_once(descriptor)
    except OSError:
        raise CannotStart(b"qmail-send is already running") from None


def _spawner_limit(descriptor: int) -> int:
    """How many deliveries it can make at once: the first byte that it says."""
    try:
        said = os.read(descriptor, 1)
    except OSError:
        said = b""
    if not said:
        raise CannotStart(b"hath the daemon spawn no fire?")
    return said[0]


def _starter(home: int, queue: int) -> Start:
    """Starts the queue program from the home's directory, and comes back to the queue's.

    One of this installation's own runs in a fork of this process, which has it loaded: a tenth of the cost.
    """
    for descriptor in (*TO_SPAWN, *FROM_SPAWN, TO_CLEAN, FROM_CLEAN):
        os.set_inheritable(descriptor, False)
    null = os.open(b"/dev/null", os.O_RDWR | os.O_CLOEXEC)
    program = submission.queue_program()
    files.enter(home)
    own = launch.own([program]) if b"/" in program else None
    files.enter(queue)
    others = fds.Others({0, 1, 2, submission.WORDS_DESCRIPTOR})

    def start(message: int, addresses: int, words: int) -> tuple[int, Callable[[], int]]:
        places = {2: null, 0: message, 1: addresses, submission.WORDS_DESCRIPTOR: words}

        def run() -> int:
            assert own is not None
            for place, descriptor in places.items():
                os.dup2(descriptor, place)
            others.close()
            signals.as_after_start(tuple((signum, signals.DEFAULT) for signum in CAUGHT))
            own.settle()
            return own.run()

        files.enter(home)
        try:
            if own is not None and own.is_current():
                pid = process.fork_child(run)
            else:
                pid = process.spawn(program, [program], os.environb, places)
        finally:
            files.enter(queue)
        return pid, lambda: process.wait(pid)

    return start


def _reread(home: bytes, facts: Facts, desk: Desk) -> None:
    """SIGHUP. What cannot be read stays as it is."""
    try:
        os.chdir(home)
    except OSError:
        desk.say(sendlog.NO_HOME_AGAIN)
        return
    try:
        name = b"locals"
        local = facts.locals()
        name = b"virtualdomains"
        facts.rewriter.know(local, facts.virtual())
    except OSError:
        desk.say(sendlog.no_rereading(name))
    while True:
        try:
            os.chdir(b"queue")
            return
        except OSError:
            desk.say(sendlog.NO_QUEUE_AGAIN)
            desk.pause(SLEEP)
