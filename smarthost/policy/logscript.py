"""What is multilog to do? Its arguments, one action each, carried out in order for each line.

t first of all     put a time stamp before each line
+pattern -pattern  select, deselect the lines that the pattern matches
e                  show each selected line on stderr
=file              keep the last selected line in a file
sN nN !command     size, number of files and processor of the directories that follow
.dir or /dir       a log directory
Anything else is ignored, as in the original.
"""

from __future__ import annotations

from smarthost.policy import rotation
from smarthost.policy.logpattern import Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from smarthost.policy.logpattern import Rule


ALERT_LIMIT: Final = 200
STATUS_SIZE: Final = 1001


class Sink:
    """Something that selected lines go to."""

    __slots__ = ("selection",)

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @property
    def takes_all(self) -> bool:
        return not self.selection.rules

    def times(self, line: bytes) -> int:
        """How often does this line go there?"""
        return int(self.selection.takes(line))

    def choose(self, lines: bytes, stamp: bytes) -> bytes:
        """Those of these lines, not stamped yet, that go there."""
        return self.selection.after(stamp).choose(lines)


class Alert(Sink):
    """stderr. All `e` of a script are one sink: a line that several of them select is shown several times,
    before the next line is.
    """

    __slots__ = ("_more",)

    def __init__(self, selection: Selection) -> None:
        super().__init__(selection)
        self._more: list[Selection] = []

    def add(self, selection: Selection) -> None:
        self._more.append(selection)

    @property
    def takes_all(self) -> bool:
        return not self._more and super().takes_all

    def times(self, line: bytes) -> int:
        return sum(selection.takes(line) for selection in (self.selection, *self._more))

    def choose(self, lines: bytes, stamp: bytes) -> bytes:
        if not self._more:
            return super().choose(lines, stamp)
        return b"".join([(line + b"\n") * self.times(stamp + line) for line in lines[:-1].split(b"\n")])


class Status(Sink):
    __slots__ = ("path",)

    def __init__(self, selection: Selection, path: bytes) -> None:
        super().__init__(selection)
        self.path = path


class Directory(Sink):
    """size: of a file, in bytes; files: how many old ones stay, and one less while there is a current one."""

    __slots__ = ("files", "path", "processor", "size")

    def __init__(
        self, selection: Selection, path: bytes, size: int, files: int, processor: bytes | None
    ) -> None:
        super().__init__(selection)
        self.path = path
        self.size = size
        self.files = files
        self.processor = processor


class Script:
    __slots__ = ("sinks", "stamps")

    def __init__(self, sinks: Sequence[Sink], *, stamps: bool) -> None:
        self.sinks = tuple(sinks)
        self.stamps = stamps


def number(text: bytes) -> int:
    """The digits that a text begins with, as C's unsigned long takes them: no digits are 0, too many wrap."""
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))]
    # 10^64 is a multiple of 2^64: what stands before the last 64 digits cannot matter.
    return int(digits[-64:] or b"0") % 2**64


def parse(actions: Sequence[bytes]) -> Script:
    rules: list[Rule] = []
    sinks: list[Sink] = []
    size = rotation.DEFAULT_SIZE
    files = rotation.DEFAULT_FILES
    processor = None
    alert: Alert | None = None
    for action in actions:
        letter, rest = action[:1], action[1:]
        if letter in (b"+", b"-"):
            rules.append((letter == b"+", rest))
        elif letter == b"e":
            if alert is None:
                alert = Alert(Selection(rules))
                sinks.append(alert)
            else:
                alert.add(Selection(rules))
        elif letter == b"=":
            sinks.append(Status(Selection(rules), rest))
        elif letter == b"s":
            size = rotation.size(number(rest))
        elif letter == b"n":
            files = rotation.files(number(rest))
        elif letter == b"!":
            processor = rest
        elif letter in (b".", b"/"):
            sinks.append(Directory(Selection(rules), action, size, files, processor))
    return Script(sinks, stamps=bool(actions) and actions[0][:1] == b"t")
