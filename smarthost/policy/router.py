"""Which lines of a block go where, and what is left of it.

A line is known by its first 1000 bytes, time stamp included: then it is decided, shown and kept,
and the rest of it goes to the directories that took it, as it comes.
"""

from __future__ import annotations

from smarthost.policy.logpattern import SEEN_LIMIT
from smarthost.policy.logscript import Directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smarthost.policy.logscript import Sink

    Part = bytes | memoryview


class Routed:
    """outputs: for each sink, in order, the parts to write; used: so much of the text is done;
    takers: of a line that goes on.
    """

    __slots__ = ("outputs", "takers", "used")

    def __init__(self, outputs: list[list[Part]], used: int, takers: tuple[int, ...] | None) -> None:
        self.outputs = outputs
        self.used = used
        self.takers = takers


class Router:
    """`takers`: while a line of 1000 bytes and more goes on, for each sink how often it took that line."""

    __slots__ = ("_any_rules", "_sinks", "takers")

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._any_rules = any(not sink.takes_all for sink in sinks)
        self.takers: tuple[int, ...] | None = None

    def accept(self, routed: Routed) -> None:
        """What `route` found has been carried out."""
        self.takers = routed.takers

    def route(self, text: bytes, first: bytes, stamp: bytes) -> Routed:
        """`text` begins with a line, or in one that goes on. `first` is the first line's stamp."""
        outputs: list[list[Part]] = [[] for _ in self._sinks]
        start = 0
        if self.takers is not None:
            end = text.find(b"\n") + 1
            start = end or len(text)
            for output, sink, takes in zip(outputs, self._sinks, self.takers, strict=True):
                if takes and isinstance(sink, Directory):
                    output.append(text[:start])
            if not end:
                return Routed(outputs, len(text), self.takers)
        elif first != stamp:
            start = text.find(b"\n") + 1
            if start:
                self._one(outputs, first, text[:start])
            else:
                stamp = first
        end = text.rfind(b"\n", start) + 1
        if end > start:
            self._many(outputs, text[start:end] if start or end < len(text) else text, stamp)
            start = end
        tail = text[start:]
        if len(stamp) + len(tail) < SEEN_LIMIT or not tail:
            return Routed(outputs, start, None)
        takers = self._one(outputs, stamp, tail)
        return Routed(outputs, len(text), takers)

    def _one(self, outputs: list[list[Part]], stamp: bytes, text: bytes) -> tuple[int, ...]:
        """A single line, of any length, with or without its end. Who takes it?"""
        head = (stamp + text[:SEEN_LIMIT])[:SEEN_LIMIT].removesuffix(b"\n")
        takers = tuple([sink.times(head) for sink in self._sinks])
        for output, sink, takes in zip(outputs, self._sinks, takers, strict=True):
            if not takes:
                continue
            before = stamp + sink.prefix
            if isinstance(sink, Directory):
                output.extend((before, text) if before else (text,))
                continue
            shown = (before + text[:SEEN_LIMIT])[:SEEN_LIMIT].removesuffix(b"\n")
            output.append((shown + b"\n") * takes)
        return takers

    def _many(self, outputs: list[list[Part]], lines: bytes, stamp: bytes) -> None:
        if not self._any_rules:
            made: dict[bytes, tuple[Part, ...]] = {}
            for output, sink in zip(outputs, self._sinks, strict=True):
                parts = made.get(sink.prefix)
                if parts is None:
                    parts = made[sink.prefix] = stamped(lines, stamp + sink.prefix)
                output.extend(parts)
            return
        for run, is_long in _runs(lines, SEEN_LIMIT - len(stamp)):
            if is_long:
                self._one(outputs, stamp, run)
                continue
            text = b"\n" + run
            for output, sink in zip(outputs, self._sinks, strict=True):
                chosen = sink.choose(text, stamp)
                if len(chosen) > 1:
                    output.append(_behind_stamps(chosen, stamp + sink.prefix))


def stamped(lines: bytes, stamp: bytes) -> tuple[Part, ...]:
    """The lines with the stamp before each, in parts: putting them together would cost as much again."""
    if not lines:
        return ()
    if not stamp:
        return (lines,)
    return stamp, memoryview(lines.replace(b"\n", b"\n" + stamp))[: -len(stamp)]


def _behind_stamps(text: bytes, stamp: bytes) -> Part:
    """The same for lines that stand behind their newlines, the last newline alone."""
    if not stamp:
        return memoryview(text)[1:]
    return memoryview(text.replace(b"\n", b"\n" + stamp))[1 : -len(stamp)]


def _runs(lines: bytes, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Whole lines in runs of those shorter than `limit`, and each longer one by itself."""
    # From one newline to the last one that a short line can reach: no need to look at each.
    rfind = lines.rfind
    run = start = 0
    size = len(lines)
    while start < size:
        end = rfind(b"\n", start, start + limit) + 1
        if end:
            start = end
            continue
        if start > run:
            yield lines[run:start], False
        run = lines.find(b"\n", start) + 1
        yield lines[start:run], True
        start = run
    if run < size:
        yield (lines[run:] if run else lines), False
