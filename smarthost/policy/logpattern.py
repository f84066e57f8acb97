"""Which lines does a log take? multilog's patterns, and how many lines are chosen at once.

A star matches up to the FIRST occurrence of the character after it and never looks further
(`*status*` does not match `tcpserver: status:`); at the end of the pattern it matches the rest.
A star before a star waits for a literal star, as in the original's match.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from typing import Final

SEEN_LIMIT: Final = 1000  # how much of a line a pattern sees, its time stamp included
_STAR: Final = ord("*")


def left_over(pattern: bytes, text: bytes) -> bytes | None:
    """What is left of a pattern to match once it has taken `text`; None when it cannot match any more."""
    index = position = 0
    while position < len(text):
        if index == len(pattern):
            return None
        if pattern[index] != _STAR:
            if pattern[index] != text[position]:
                return None
            index += 1
            position += 1
        elif index + 1 == len(pattern):
            return b"*"
        else:
            position = text.find(pattern[index + 1], position)
            if position < 0:
                break
            index += 1
    return pattern[index:]


def matches(pattern: bytes, line: bytes) -> bool:
    """Does the pattern match the whole line?"""
    return left_over(pattern, line) in (b"", b"*")


def expression(pattern: bytes) -> bytes:
    """The regular expression that matches, at the beginning of a line, if the pattern matches that line.

    It never takes back a choice, as the original never does, so that no pattern costs more than one pass.
    """
    import re  # noqa: PLC0415  (who chooses no lines does without its 10 ms)

    parts = []
    for index, byte in enumerate(pattern):
        following = pattern[index + 1 : index + 2]
        if byte != _STAR:
            parts.append(re.escape(pattern[index : index + 1]))
        elif following:
            stop = re.escape(following)
            parts.append(b"[^\n" + stop + b"]*+")
            if following == b"*":  # which is looked for, and then a star again
                parts.append(b"(?=" + stop + b")")
    return b"".join(parts) + (b"" if pattern.endswith(b"*") else b"(?=\n)")


Rule = tuple[bool, bytes]  # True selects, False deselects; the pattern


class Selection:
    """The patterns that stand before one action, in order. A line begins selected; the last match decides."""

    __slots__ = ("_alone", "_choosers", "_last", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._choosers: dict[tuple[Rule, ...], Chooser] = {}
        self._alone: Chooser | None = None
        self._last: tuple[bytes, Chooser] | None = None  # the stamp of a block, and what came of it

    def takes(self, line: bytes) -> bool:
        """Is this line selected? Only its first 1000 bytes are looked at."""
        seen = line[:SEEN_LIMIT]
        for selects, pattern in reversed(self.rules):
            if matches(pattern, seen):
                return selects
        return True

    def chooses(self, line: bytes) -> bool:
        """The same, for many lines that come one by one."""
        if self._alone is None:
            self._alone = self.after(b"")
        return self._alone.takes(b"\n" + line[:SEEN_LIMIT] + b"\n")

    def after(self, stamp: bytes) -> Chooser:
        """The same question for lines that `stamp` has yet to be put in front of."""
        if self._last is not None and self._last[0] == stamp:
            return self._last[1]
        remaining = tuple(
            (selects, rest)
            for selects, pattern in self.rules
            if (rest := left_over(pattern, stamp)) is not None and b"\n" not in rest
        )
        known = self._choosers.get(remaining)
        if known is None:
            known = self._choosers[remaining] = Chooser(remaining)
        self._last = stamp, known
        return known


class Chooser:
    """Takes the selected lines out of many. None of them is as long as a pattern's view.

    One expression goes over a whole block and finds runs of lines that end up otherwise than `default`.
    """

    __slots__ = ("_runs", "default")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.default = True
        undecided: list[Rule] = []
        for selects, pattern in rules:
            if pattern == b"*":
                self.default = selects
                undecided = []
            elif undecided or selects != self.default:
                undecided.append((selects, pattern))
        self._runs: re.Pattern[bytes] | None = None
        if not undecided:
            return
        import re  # noqa: PLC0415  (as above)

        exceptions: list[bytes] = []
        for selects, pattern in undecided:
            here = expression(pattern)
            if selects != self.default:
                exceptions.append(here)
            else:
                exceptions = [b"(?!" + here + b")(?:" + b"|".join(exceptions) + b")"]
        line = b"\n(?:" + b"|".join(exceptions) + b")[^\n]*+"
        self._runs = re.compile(line + b"(?:" + line + b")*")

    def takes(self, text: bytes) -> bool:
        """Is this one line, between newlines, selected?"""
        if self._runs is None or self._runs.match(text) is None:
            return self.default
        return not self.default

    def choose(self, text: bytes) -> bytes:
        """The selected ones among whole lines, each behind a newline, in the same form: the last newline has
        no line behind it, and no exception matches there.
        """
        if self._runs is None:
            return text if self.default else b"\n"
        if self.default:
            return self._runs.sub(b"", text)
        return b"".join([*self._runs.findall(text), b"\n"])
