"""Which lines does a log take? multilog's patterns, and how many lines are chosen at once.

A star matches up to the FIRST occurrence of the character after it and never looks further
(`*status*` does not match `tcpserver: status:`); at the end of the pattern it matches the rest.
A star before a star waits for a literal star, as in the original's match.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

SEEN_LIMIT: Final = 1000  # how much of a line a pattern sees, its time stamp included
_STAR: Final = ord("*")

# bytes.find prepares a table, at each call, for longer texts than this in a large block.
_EASY_TO_FIND: Final = 5


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
    """The regular expression that matches, within one line, what the pattern matches.

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
            parts.append(b"[^\n" + stop + b"]*+(?=" + stop + b")")
        else:
            parts.append(b"[^\n]*+")
    return b"".join(parts)


def landmark(pattern: bytes) -> bytes:
    """The longest text that must stand in any line that the pattern matches, with a newline before
    and after it. Not for a star alone, which asks for nothing.
    """
    literals = (b"\n" + pattern + b"\n").split(b"*")
    # Stars alone, more than one, wait for a literal star.
    return max((part for part in literals if part != b"\n"), key=len, default=b"") or b"*"


Rule = tuple[bool, bytes]  # True selects, False deselects; the pattern


class Selection:
    """The patterns that stand before one action, in order. A line begins selected; the last match decides."""

    __slots__ = ("_choosers", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._choosers: dict[tuple[Rule, ...], Chooser] = {}

    def takes(self, line: bytes) -> bool:
        """Is this line selected? Only its first 1000 bytes are looked at."""
        seen = line[:SEEN_LIMIT]
        for selects, pattern in reversed(self.rules):
            if matches(pattern, seen):
                return selects
        return True

    def after(self, stamp: bytes) -> Chooser:
        """The same question for lines that `stamp` has yet to be put in front of."""
        remaining = tuple(
            (selects, rest)
            for selects, pattern in self.rules
            if (rest := left_over(pattern, stamp)) is not None and b"\n" not in rest
        )
        known = self._choosers.get(remaining)
        if known is None:
            known = self._choosers[remaining] = Chooser(remaining)
        return known


class Chooser:
    """Takes the selected lines out of many. None of them is as long as a pattern's view."""

    __slots__ = ("_beginning", "_decide", "_landmarks", "default")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.default = True
        undecided: list[Rule] = []
        for selects, pattern in rules:
            if pattern == b"*":
                self.default = selects
                undecided = []
            elif undecided or selects != self.default:
                undecided.append((selects, pattern))
        if not undecided:
            self._landmarks: set[bytes] = set()
            return
        import re  # noqa: PLC0415  (as above)

        decision = b"" if self.default else b"(?!)"
        for selects, pattern in undecided:
            here = expression(pattern) + b"\n"
            decision = (
                b"(?:(?=" + here + b")|" + decision + b")" if selects else b"(?!" + here + b")" + decision
            )
        self._decide = re.compile(decision).match
        # Only a line that matches a rule against the default can end up different.
        self._landmarks = {
            landmark(pattern)[:_EASY_TO_FIND] for selects, pattern in undecided if selects != self.default
        }
        # The usual case: one kind of line by how it begins, taken out or left out.
        self._beginning = b""
        if len(undecided) == 1:
            beginning, star, rest = undecided[0][1].partition(b"*")
            if star and beginning and not rest:
                self._beginning = b"\n" + beginning

    def choose(self, lines: bytes) -> bytes:
        """The selected ones among whole lines."""
        if not self._landmarks:
            return lines if self.default else b""
        if self._beginning:
            return self._by_beginning(lines)
        if len(self._landmarks) == 1:
            [mark] = self._landmarks
            starts = self._starts(lines, mark)
        else:
            starts = sorted({start for mark in self._landmarks for start in self._starts(lines, mark)})
        # Either the exceptions themselves, or what stands between them.
        decide = self._decide
        find = lines.find
        if not self.default:
            return b"".join(
                [lines[start : find(b"\n", start) + 1] for start in starts if decide(lines, start)]
            )
        kept = []
        done = 0
        for start in starts:
            if not decide(lines, start):
                kept.append(lines[done:start])
                done = find(b"\n", start) + 1
        kept.append(lines[done:])
        return b"".join(kept)

    def _by_beginning(self, lines: bytes) -> bytes:
        """Cut at that beginning: each part but the first is the rest of such a line, and what is between
        it and the next one, every newline before its line.
        """
        mark = self._beginning
        first, *others = (b"\n" + lines).split(mark)
        if not self.default:
            rests = [part.partition(b"\n")[0] for part in others]
            return (mark.join([b"", *rests]) + b"\n")[1:] if rests else b""
        return b"".join([first, *[part[part.find(b"\n") :] for part in others if b"\n" in part]])[1:]

    @staticmethod
    def _starts(lines: bytes, mark: bytes) -> list[int]:
        """Where the lines begin that the landmark stands in, a newline put before the first."""
        starts = []
        find = lines.find
        begins = mark[:1] == b"\n"
        if begins and lines.startswith(mark[1:]):
            starts.append(0)
        found = find(mark)
        size = len(lines)
        while found >= 0:
            start = found + 1 if begins else lines.rfind(b"\n", 0, found) + 1
            if start == size:
                break
            starts.append(start)
            # The newline that ends this line may begin the next landmark.
            found = find(mark, find(b"\n", start))
        return starts
