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

Reads   lines on descriptor 0. SIGTERM: reads to the end of the line, then exits. SIGALRM: full files, now
Writes  directories: current, @LABEL.s (safe), @LABEL.u (cut by an outage), state; warnings and alerts on stderr
Exits   0 at the end of input; 111 if a directory or file cannot be had or another multilog has it.
        What fails later is said, and tried again every five seconds; no line is given up
Differs --help and --version as the only argument are answered; the original reads them as patterns.
        The lines that are read at one time carry one time stamp; the original looks at the clock for each.
        A status file is written once for the lines that are read at one time, with the last of them.
        A kill -9 loses nothing that came through a pipe: lines leave the pipe when they are written.
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
from smarthost.policy import logscript, rotation
from smarthost.policy.logpattern import SEEN_LIMIT
from smarthost.policy.router import Router
from smarthost.store.logdir import LogDir, attempt
from smarthost.unix import errtext, files, heap, intake, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from smarthost.policy.router import Routed

NAME = "multilog"
STDIN = 0
STDERR = 2

PAUSE = 5.0


def pause(what: str) -> None:
    """Say what is wrong, and let somebody do something about it."""
    ending.warn(NAME, what)
    time.sleep(PAUSE)


class StatusFile:
    """The last selected line, in a file of 1001 bytes that is written in place."""

    def __init__(self, order: logscript.Status, start: int) -> None:
        self._name = os.fsdecode(order.path)
        attempt("switch to starting directory", files.enter, start)
        files.close(attempt(f"create {self._name}", files.open_append, order.path))
        self._file = attempt(f"write {self._name}", files.open_write, order.path)

    def put(self, lines: bytes) -> None:
        last = lines[lines.rfind(b"\n", 0, -1) + 1 : -1]
        text = last[: logscript.STATUS_SIZE - 1].ljust(logscript.STATUS_SIZE, b"\n")
        while True:
            try:
                files.rewind(self._file)
            except OSError as error:
                pause(f"unable to move to beginning of {self._name}, pausing: {errtext.reason(error)}")
                continue
            try:
                if files.write(self._file, text) == len(text):
                    return
                why = "short write"
            except OSError as error:
                why = errtext.reason(error)
            pause(f"unable to write {self._name}, pausing: {why}")

    def close(self) -> None:
        files.close(self._file)


def alert(lines: bytes) -> None:
    """A write for each line, as stderr may be shared and a short write is not torn."""
    for line in lines[:-1].split(b"\n"):
        shown = line if len(line) <= logscript.ALERT_LIMIT else line[: logscript.ALERT_LIMIT] + b"..."
        try:
            files.write_all(STDERR, shown + b"\n")
        except OSError:
            pass  # as the original: an alert that nobody reads is no reason to stop


class Multilog:
    def __init__(self, script: logscript.Script) -> None:
        self._script = script
        self._router = Router(script.sinks)
        self._only: LogDir | None = None  # where every line goes, if nothing else is asked for
        self._expansion = 1.0  # of that directory: bytes out for a byte in, last time
        self._first = b""  # the stamp of the line that was begun
        self._directories: dict[int, LogDir] = {}
        self._statuses: dict[int, StatusFile] = {}
        self._lengths: dict[int, int] = {}  # of what goes to each directory now
        self._growth: dict[int, float] = {}  # of each directory: bytes out for a byte in, last time

    def open(self, start: int) -> None:
        """Status files first, then directories, as the original: the first failure is the one that is said."""
        for number, sink in enumerate(self._script.sinks):
            if isinstance(sink, logscript.Status):
                self._statuses[number] = StatusFile(sink, start)
        for number, sink in enumerate(self._script.sinks):
            if isinstance(sink, logscript.Directory):
                directory = LogDir(sink, time.time_ns, pause)
                self._directories[number] = directory
                directory.open(start)
                if len(self._script.sinks) == 1 and sink.takes_all:
                    self._only = directory

    def close(self) -> None:
        """The end of input: every current is complete."""
        for directory in self._directories.values():
            directory.close()

    def abandon(self) -> None:
        for directory in self._directories.values():
            directory.abandon()
        for status in self._statuses.values():
            status.close()

    def rotate(self) -> None:
        for directory in self._directories.values():
            if not directory.is_empty:
                directory.rotate()

    def read(self, source: intake.Intake) -> None:
        """Until the end of input, or SIGTERM and the end of a line."""
        while True:
            came = source.wait()
            if signals.SIGALRM in came:
                self.rotate()
            if signals.SIGTERM in came:
                self._finish_line(source)
                return
            seen = source.seen
            text, goes_on = source.look()
            if len(text) > seen:
                used = self.carry_out(text, seen)
                source.take(used)
            if not goes_on:
                self._last_line(text)
                source.take(len(text))
                return

    def _finish_line(self, source: intake.Intake) -> None:
        begun = source.begun()
        if begun or self._router.takers is not None:
            line = source.rest_of_line()
            used = self.carry_out(begun + line, len(begun))
            self._last_line((begun + line)[used:])

    def _last_line(self, begun: bytes) -> None:
        """End what was begun as if a newline had come."""
        if begun or self._router.takers is not None:
            self.carry_out(begun + b"\n", len(begun))

    def carry_out(self, text: bytes, seen: int) -> int:
        """Deal with what came: `text`, whose first `seen` bytes were there before, begins with a line
        or in one that goes on. Answers how much of it is done; the rest is the beginning of a line.
        """
        stamp = tai64.label(time.time_ns()) + b" " if self._script.stamps else b""
        if not seen:
            self._first = stamp
        done = 0
        if self._only is not None and self._router.takers is None:
            done, seen = self._carry_straight(self._only, text, seen, stamp)
        while seen < len(text):
            reach = self._reach(len(text) - seen)
            while True:
                routed = self._router.route(
                    text[done : seen + reach] if done or seen + reach < len(text) else text,
                    self._first,
                    stamp,
                )
                if fits := self._fits(routed, seen + reach - done):
                    break
                if reach <= rotation.STEP:
                    break
                reach = min(self._reach(reach), (reach - 1) // rotation.STEP * rotation.STEP)
            self._deliver(routed, fits=fits)
            done += routed.used
            seen += reach
            if routed.used:
                self._first = stamp
        return done

    def _carry_straight(self, directory: LogDir, text: bytes, seen: int, stamp: bytes) -> tuple[int, int]:
        """All lines go to one directory: what is left to do is to find where its files end.

        Answers how much is done and how much is seen. It stops early where a long line is under way.
        """
        done = 0
        parts: list[bytes | memoryview] = []
        length = 0  # of the parts
        view = memoryview(text)
        while seen < len(text):
            room = directory.room - length
            steps = max(1, int((room - 1) / self._expansion) // rotation.STEP)
            while True:
                reach = min(steps * rotation.STEP, len(text) - seen)
                end = text.rfind(b"\n", done, seen + reach) + 1 or done
                if seen + reach - end + len(stamp) >= SEEN_LIMIT:
                    break
                more = self._stamped(text[done:end], stamp) if stamp else [view[done:end]]
                size = sum([len(part) for part in more])
                if not size or size < room or steps == 1:
                    break
                self._expansion = size / (end - done)
                steps = max(1, min(steps - 1, int((room - 1) / self._expansion) // rotation.STEP))
            if seen + reach - end + len(stamp) >= SEEN_LIMIT:
                break
            if size and size < room:
                parts += more
                length += size
            elif size:
                for piece in rotation.pieces(b"".join(more), goes_on=False):
                    if length + len(piece) < directory.room:
                        parts.append(piece)
                        length += len(piece)
                        continue
                    if parts:
                        directory.append_within_room(parts, length)
                    parts = []
                    length = 0
                    directory.append(piece)
            if end > done:
                self._expansion = size / (end - done)
                self._first = stamp
            done = end
            seen += reach
        if parts:
            directory.append_within_room(parts, length)
        return done, seen

    def _stamped(self, lines: bytes, stamp: bytes) -> list[bytes | memoryview]:
        """Whole lines with their stamps, in parts."""
        if not lines:
            return []
        return [self._first, memoryview(lines.replace(b"\n", b"\n" + stamp))[: -len(stamp)]]

    def _reach(self, most: int) -> int:
        """How much to try at once so that every directory's output will probably fit its file: steps, or all."""
        for number, directory in self._directories.items():
            growth = self._growth.get(number, 0.0)
            if growth and growth * most >= directory.room:
                most = min(most, max(1, int(directory.room / growth) // rotation.STEP) * rotation.STEP)
        return most

    def _fits(self, routed: Routed, size: int) -> bool:
        fits = True
        for number, directory in self._directories.items():
            length = sum([len(part) for part in routed.outputs[number]])
            self._lengths[number] = length
            self._growth[number] = length / size
            fits = fits and (not length or length < directory.room)
        return fits

    def _deliver(self, routed: Routed, *, fits: bool) -> None:
        went_on = self._router.takers
        for number, output in enumerate(routed.outputs):
            if not output:
                continue
            directory = self._directories.get(number)
            if directory is not None and fits:
                directory.append_within_room(output, self._lengths[number])
                continue
            lines = b"".join(output)
            if directory is not None:
                for piece in rotation.pieces(lines, goes_on=bool(went_on and went_on[number])):
                    directory.append(piece)
            elif number in self._statuses:
                self._statuses[number].put(lines)
            else:
                alert(lines)
        self._router.accept(routed)


def body(arguments: list[bytes]) -> int:
    os.umask(0o022)
    try:
        start = files.open_read(b".")
    except OSError as error:
        raise Temporary(f"unable to switch to current directory: {errtext.reason(error)}") from error
    multilog = Multilog(logscript.parse(arguments))
    heap.keep()
    try:
        multilog.open(start)
        source = intake.open_intake(STDIN, (signals.SIGTERM, signals.SIGALRM))
        try:
            multilog.read(source)
            multilog.close()
        finally:
            source.close()
    finally:
        multilog.abandon()
        files.close(start)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
