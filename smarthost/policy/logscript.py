"""What is multilog to do? Its arguments, one action each, carried out in order for each line.

t first of all     put a time stamp before each line
+pattern -pattern  select, deselect the lines that the pattern matches
e                  show each selected line on stderr
=file              keep the last selected line in a file
sN nN !command     size, number of files and processor of the directories that follow
.dir or /dir       a log directory

Of our own; the original, daemontools-encore's, s6-log and svlogd have other meanings for none of these letters:
i first of all     put an ISO 8601 time stamp before each line; t and i together put both, in their order
aN                 the files of the directories that follow are finished N seconds after their first line, as
                   svlogd's tN does (t was taken)
SN                 all old files of a directory take N bytes at most, as in s6-log; 0 is no limit
bcommand           processor in the background
pprefix            what is put before each line, after its stamps, as in svlogd's config
d dN               drop lines rather than keep the producer waiting; N bytes are held in memory
Anything else is ignored, as in the original.
"""

from __future__ import annotations

import os

from smarthost.errors import Permanent
from smarthost.policy import rotation
from smarthost.policy.logpattern import Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from smarthost.policy.logpattern import Rule


ALERT_LIMIT: Final = 200
STATUS_SIZE: Final = 1001

# What `d` alone holds in memory: some seconds of a service that tells much.
HELD: Final = 1048576


class Sink:
    """Something that selected lines go to, with a prefix that patterns do not see."""

    __slots__ = ("prefix", "selection")

    def __init__(self, selection: Selection, prefix: bytes = b"") -> None:
        self.selection = selection
        self.prefix = prefix

    @property
    def takes_all(self) -> bool:
        return not self.selection.rules

    def times(self, line: bytes) -> int:
        """How often does this line go there?"""
        return int(self.selection.chooses(line))

    def choose(self, text: bytes, stamp: bytes) -> bytes:
        """Those of these lines, not stamped yet, that go there. Each stands behind its newline, the last
        newline alone.
        """
        return self.selection.after(stamp).choose(text)


class Alert(Sink):
    """stderr. All `e` of a script are one sink: a line that several of them select is shown several times,
    before the next line is.
    """

    __slots__ = ("_more",)

    def __init__(self, selection: Selection, prefix: bytes = b"") -> None:
        super().__init__(selection, prefix)
        self._more: list[Selection] = []

    def add(self, selection: Selection) -> None:
        self._more.append(selection)

    @property
    def takes_all(self) -> bool:
        return not self._more and super().takes_all

    def times(self, line: bytes) -> int:
        return sum(selection.chooses(line) for selection in (self.selection, *self._more))

    def choose(self, text: bytes, stamp: bytes) -> bytes:
        if not self._more:
            return super().choose(text, stamp)
        lines = text[1:-1].split(b"\n") if len(text) > 1 else []
        return b"".join([*[(b"\n" + line) * self.times(stamp + line) for line in lines], b"\n"])


class Status(Sink):
    __slots__ = ("path",)

    def __init__(self, selection: Selection, path: bytes, prefix: bytes = b"") -> None:
        super().__init__(selection, prefix)
        self.path = path


class Keeping:
    """How the directories that follow keep their files, as it stands at one point of a script.

    size: of a file, in bytes; files: how many old ones stay, and one less while there is a current one;
    total: what they take together at most, and age: seconds after which a file is finished, or 0.
    """

    __slots__ = ("age", "background", "files", "processor", "size", "total")

    def __init__(self) -> None:
        self.size = rotation.DEFAULT_SIZE
        self.files = rotation.DEFAULT_FILES
        self.total = 0
        self.age = 0
        self.processor: bytes | None = None
        self.background = False

    def take(self, letter: bytes, rest: bytes) -> None:
        """Carry out an action that changes it; others change nothing."""
        if letter == b"s":
            self.size = rotation.size(number(rest))
        elif letter == b"n":
            self.files = rotation.files(number(rest))
        elif letter == b"S":
            self.total = figure(letter, rest)
        elif letter == b"a":
            self.age = figure(letter, rest)
        elif letter == b"!":
            self.processor, self.background = rest, False
        elif letter == b"b":
            self.processor, self.background = rest or None, True


class Directory(Sink):
    """A log directory, which keeps its files as `keeping` says now."""

    __slots__ = ("path", *Keeping.__slots__)

    def __init__(self, selection: Selection, path: bytes, keeping: Keeping, prefix: bytes = b"") -> None:
        super().__init__(selection, prefix)
        self.path = path
        self.size = keeping.size
        self.files = keeping.files
        self.total = keeping.total
        self.age = keeping.age
        self.processor = keeping.processor
        self.background = keeping.background


class Script:
    """stamps: the letters of the stamps, in their order; held: so many bytes are held in memory before lines
    are dropped, or None where nothing is.
    """

    __slots__ = ("held", "sinks", "stamps")

    def __init__(self, sinks: Sequence[Sink], stamps: bytes, held: int | None) -> None:
        self.sinks = tuple(sinks)
        self.stamps = stamps
        self.held = held


def number(text: bytes) -> int:
    """The digits that a text begins with, as C's unsigned long takes them: no digits are 0, too many wrap."""
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))]
    # 10^64 is a multiple of 2^64: what stands before the last 64 digits cannot matter.
    return int(digits[-64:] or b"0") % 2**64


# More than any disk and any log's life; and a text of digits that is worth reading.
_FIGURE_DIGITS: Final = 18


def figure(letter: bytes, text: bytes) -> int:
    """The number of an action of our own. Raises Permanent for anything else than a few digits."""
    if not text.isdigit() or len(text) > _FIGURE_DIGITS:
        raise Permanent(f"{os.fsdecode(letter + text)}: {letter.decode()} needs a whole number")
    return int(text)


def parse(actions: Sequence[bytes]) -> Script:
    """Raises Permanent for an action of our own that cannot be carried out."""
    stamps = leading_stamps(actions)
    rules: list[Rule] = []
    sinks: list[Sink] = []
    keeping = Keeping()
    prefix = b""
    held: int | None = None
    alert: Alert | None = None
    for action in actions:
        letter, rest = action[:1], action[1:]
        if letter in (b"+", b"-"):
            rules.append((letter == b"+", rest))
        elif letter == b"e":
            if alert is None:
                alert = Alert(Selection(rules), prefix)
                sinks.append(alert)
            else:
                alert.add(Selection(rules))
        elif letter == b"=":
            sinks.append(Status(Selection(rules), rest, prefix))
        elif letter in (b".", b"/"):
            sinks.append(Directory(Selection(rules), action, keeping, prefix))
        elif letter == b"p":
            if b"\n" in rest:
                raise Permanent("a prefix cannot have a newline")
            prefix = rest
        elif letter == b"d":
            held = figure(letter, rest) if rest else HELD
        else:
            keeping.take(letter, rest)
    return Script(sinks, stamps, held)


def leading_stamps(actions: Sequence[bytes]) -> bytes:
    """The stamps that a script begins with: t, where the original looks for it, and i beside it."""
    letters = b""
    for action in actions:
        letter = action[:1]
        if letter in letters or not (action == b"i" or (letter == b"t" and letters in (b"", b"i"))):
            break
        letters += letter
    return letters
