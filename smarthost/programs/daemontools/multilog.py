"""multilog: put selected lines into log directories that look after their own size.

Each argument is an action; they are carried out in order for each line:
  t          first of all: put @, a TAI64N label and a space before each line
  -pattern   deselect the line if the pattern matches it; +pattern selects it. A line begins selected.
             A star matches up to the first occurrence of the character after it, the last one the rest.
             Only the first 1000 bytes are looked at.
  e          show the first 200 bytes of each selected line on stderr
  =file      keep the first 1000 bytes of the last selected line in a file, padded to 1001 with newlines
  snumber    size of the files of the directories that follow: 4096 to 16777215, 99999
  nnumber    how many old files they keep: 2 or more, 10
  !command   what turns a full file into an old one: descriptor 0 the file, 1 the result, 4 and 5 its
             state before and after; it is run again until it exits 0
  .dir /dir  append each selected line to this directory, made if it is not there
Actions that the original does not have:
  i          first of all, or after a first t: put the time as 2026-11-27T07:09:37.155920Z and a space there.
             t and i together: both, in their order
  anumber    finish a file of the directories that follow so many seconds after its first line; 0: never
  Snumber    remove old files, the oldest first, until those of a directory take so many bytes; 0: no limit
  bcommand   as !command, but lines do not wait for it; bcommand ends !command, and the other way round
  d dnumber  never keep the producer waiting: hold so many bytes in memory, 1048576, if lines cannot be written,
             and drop what comes beyond that, in whole lines. Each directory gets a line with their number
  ptext      put the text before each line that is shown, kept or appended by the actions that follow, after
             its stamps. Patterns do not see it

Reads   lines on descriptor 0. SIGTERM: reads to the end of the line, then exits. SIGALRM: full files, now
Writes  directories: current, @LABEL.s (safe), @LABEL.u (cut by an outage), state; with b also @LABEL.w (safe, and
        waits for its processor), with a also begun, with d dropped; warnings and alerts on stderr
Exits   0 at the end of input; 100 for an action that makes no sense; 111 if a directory or file cannot be had or
        another multilog has it. What fails later is said, and tried again every five seconds; no line is given up
Differs --help and --version as the only argument are answered; the original reads them as patterns.
        It ignores actions that begin with a, b, d, i, p or S. Of i, ours takes an i alone in its place.
        The lines that are read at one time carry one time stamp; the original looks at the clock for each.
        A status file is written once for the lines that are read at one time, with the last of them.
        A kill -9 loses nothing that came through a pipe: lines leave it when they are written. With d it loses
        nothing that the next start does not count.
        A pipe on descriptor 0 is made 256 KB large if the system allows it.
        Lost readers of stderr and file size limits do not end it.
        Input that is not ready is waited for where the original takes it for the end; a directory as input
        is refused with 1 and Python's words before we are asked, the original takes it for the end.
        An old file that cannot be removed is warned about every five seconds; the original spins silently.
        The line about a crashed processor names its signal, the original an unrelated error.
"""

from __future__ import annotations

import os
import time

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.formats import tai64
from smarthost.logs.delivery import Delivery
from smarthost.logs.logger import SIGNALS, Logger
from smarthost.policy import logscript
from smarthost.unix import errtext, files, heap, intake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smarthost.logs.overflow import OverflowIntake

NAME = "multilog"
STDIN = 0

PAUSE = 5.0


def pause(what: str) -> None:
    """Say what is wrong, and let somebody do something about it."""
    warn(what)
    time.sleep(PAUSE)


def warn(what: str) -> None:
    ending.warn(NAME, what)


def stamper(letters: bytes) -> Callable[[int], bytes]:
    """How these stamps are made of the nanoseconds since 1970."""
    if b"i" not in letters:
        return lambda now: tai64.label(now) + b" "
    from smarthost.formats import isotime  # noqa: PLC0415  (few ask for it)

    if letters == b"i":
        return lambda now: isotime.stamp(now) + b" "
    stamps = [tai64.label if letter == b"t" else isotime.stamp for letter in (letters[:1], letters[1:])]
    return lambda now: b"".join([stamp(now) + b" " for stamp in stamps])


def open_overflow(delivery: Delivery, held: int) -> tuple[intake.Intake, OverflowIntake | None]:
    """A way in that drops lines rather than keep the producer waiting: possible with a pipe only."""
    from smarthost.logs.overflow import OverflowIntake  # noqa: PLC0415  (few drop anything)
    from smarthost.policy.overflow import Overflow  # noqa: PLC0415

    def way(
        descriptor: int, watched: Sequence[int], tee: intake.Tee, copy: tuple[int, int]
    ) -> OverflowIntake:
        return OverflowIntake(descriptor, watched, tee, copy, held=Overflow(held), notes=delivery)

    source = intake.open_intake(STDIN, SIGNALS, way)
    if isinstance(source, OverflowIntake):
        return source, source
    warn("input is not a pipe: nothing will be dropped")
    return source, None


def body(arguments: list[bytes]) -> int:
    os.umask(0o022)
    try:
        start = files.open_read(b".")
    except OSError as error:
        raise Temporary(f"unable to switch to current directory: {errtext.reason(error)}") from error
    script = logscript.parse(arguments)
    delivery = Delivery(script, time.time_ns, stamper(script.stamps))
    heap.keep()
    try:
        delivery.open(start, pause, warn)
        if script.held is None:
            source, overflow = intake.open_intake(STDIN, SIGNALS), None
        else:
            source, overflow = open_overflow(delivery, script.held)
        try:
            Logger(delivery).run(source, overflow)
        finally:
            source.close()
    finally:
        delivery.abandon()
        files.close(start)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
