"""How blocks of lines get to where a script sends them, cut into files as the original cuts them."""

from __future__ import annotations

from smarthost.logs.statusfile import StatusFile, alert
from smarthost.policy import logscript, rotation
from smarthost.policy.logpattern import SEEN_LIMIT
from smarthost.policy.router import Router, stamped
from smarthost.store.logdir import LogDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from smarthost.policy.overflow import Count
    from smarthost.policy.router import Routed
    from smarthost.store.account import Account
    from smarthost.store.steps import Pause, Warn


class Delivery:
    """`clock` answers nanoseconds since 1970, and `stamp` turns them into what is put before a line."""

    def __init__(
        self, script: logscript.Script, clock: Callable[[], int], stamp: Callable[[int], bytes]
    ) -> None:
        self._script = script
        self._clock = clock
        self._stamp = stamp
        self._router = Router(script.sinks)
        self._only: LogDir | None = None  # where every line goes, if nothing else is asked for
        self._expansion = 1.0  # of that directory: bytes out for a byte in, last time
        self._first = b""  # the stamp of the line that was begun
        self._directories: dict[int, LogDir] = {}
        self._statuses: dict[int, StatusFile] = {}
        self._accounts: list[Account] = []
        self._lengths: dict[int, int] = {}  # of what goes to each directory now
        self._growth: dict[int, float] = {}  # of each directory: bytes out for a byte in, last time

    # Beginning and end

    def open(self, start: int, pause: Pause, warn: Warn) -> None:
        """Status files first, then directories, as the original: the first failure is the one that is said."""
        for number, sink in enumerate(self._script.sinks):
            if isinstance(sink, logscript.Status):
                self._statuses[number] = StatusFile(sink, start, pause)
        for number, sink in enumerate(self._script.sinks):
            if isinstance(sink, logscript.Directory):
                directory = LogDir(sink, self._clock, pause, warn)
                self._directories[number] = directory
                directory.open(start)
                if len(self._script.sinks) == 1 and sink.takes_all:
                    self._only = directory
                if self._script.held is not None:
                    self._settle_account(directory)

    def _settle_account(self, directory: LogDir) -> None:
        """Tell what the last process took out of its pipe and did not write, and begin to count anew."""
        from smarthost.store.account import Account  # noqa: PLC0415  (few drop anything)

        account = Account(directory.name)
        if account.lost is not None:
            self._append(directory, f"killed with {account.lost} not known to be written")
            account.reset()
        self._accounts.append(account)

    def note_came(self, total: Count) -> None:
        """Before so many lines, in all, leave the pipe for memory."""
        for account in self._accounts:
            account.came(total)

    def note_went(self, total: Count) -> None:
        """When so many of them, in all, have been written or told of."""
        for account in self._accounts:
            account.went(total)

    @property
    def directories(self) -> Collection[LogDir]:
        return self._directories.values()

    def abandon(self) -> None:
        for directory in self._directories.values():
            directory.abandon()
        for status in self._statuses.values():
            status.close()
        for account in self._accounts:
            account.close()

    # Lines

    @property
    def is_within_line(self) -> bool:
        """Is a line under way whose beginning has been delivered?"""
        return self._router.takers is not None

    def end_line(self, begun: bytes) -> None:
        """End what was begun as if a newline had come."""
        if begun or self.is_within_line:
            self.carry_out(begun + b"\n", len(begun))

    def note(self, what: str) -> None:
        """A line of our own, between others, for every directory whatever it selects."""
        for directory in self._directories.values():
            self._append(directory, what)

    def _append(self, directory: LogDir, what: str) -> None:
        stamp = self._stamp(self._clock()) if self._script.stamps else b""
        directory.append(b"%b%bmultilog: %b\n" % (stamp, directory.prefix, what.encode()))

    def carry_out(self, text: bytes, seen: int) -> int:
        """Deal with what came: `text`, whose first `seen` bytes were there before, begins with a line
        or in one that goes on. Answers how much of it is done; the rest is the beginning of a line.
        """
        stamp = self._stamp(self._clock()) if self._script.stamps else b""
        if not seen:
            self._first = stamp
        done = 0
        if self._only is not None and not self.is_within_line:
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
        prefix = self._script.sinks[0].prefix
        while seen < len(text):
            room = directory.room - length
            steps = max(1, int((room - 1) / self._expansion) // rotation.STEP)
            while True:
                reach = min(steps * rotation.STEP, len(text) - seen)
                end = text.rfind(b"\n", done, seen + reach) + 1 or done
                if seen + reach - end + len(stamp) >= SEEN_LIMIT:
                    break
                if stamp or prefix:
                    more = self._stamped(text[done:end], stamp + prefix, self._first + prefix)
                else:
                    more = [view[done:end]]
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

    @staticmethod
    def _stamped(lines: bytes, stamp: bytes, first: bytes) -> list[bytes | memoryview]:
        """Whole lines with their stamps, in parts."""
        parts = stamped(lines, stamp)
        return [first, *parts[1:]] if parts else []

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
