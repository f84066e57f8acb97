"""How big a log file gets, and where multilog cuts it.

The original works through its input 1024 bytes at a time and hands a log what came of that in pieces, through
a buffer of 512 bytes. A piece that reaches into the last 2000 bytes of the size is cut after its last
newline, and a file that ends there with a newline is full; without one the file is filled to its size.
To cut the same stream at the same places, we make the same pieces, but only for the 1024 bytes where a file gets
full: everything before goes out in one write.

Of our own: a file may also end at an age, and old files may be limited by what they take together.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Final

STEP: Final = 1024  # what the original reads at a time
BUFFER: Final = 512  # what it holds back for each log
HEAD: Final = 1000  # of a line, what it keeps before it starts to write it
NEAR: Final = 2000  # this close to its size a file may end early, with a line

DEFAULT_SIZE: Final = 99999
LEAST_SIZE: Final = 4096
MOST_SIZE: Final = 16777215
DEFAULT_FILES: Final = 10
LEAST_FILES: Final = 2


def size(number: int) -> int:
    """The size that `sN` asks for, within its bounds."""
    return min(max(number, LEAST_SIZE), MOST_SIZE)


def files(number: int) -> int:
    """The number of old files that `nN` asks for."""
    return max(number, LEAST_FILES)


def surplus(
    names: Collection[bytes], files: int, sizes: Mapping[bytes, int] | None = None, total: int = 0
) -> list[bytes]:
    """The old files that have to go, the oldest first: so that fewer than `files` stay, and so that those in
    `sizes` that stay take no more than `total`, if that is a limit. Names sort by age.
    """
    oldest_first = sorted(names)
    gone = oldest_first[: max(0, len(oldest_first) - files + 1)]
    if total and sizes is not None:
        stay = [name for name in oldest_first[len(gone) :] if name in sizes]
        excess = sum([sizes[name] for name in stay]) - total
        for name in stay:
            if excess <= 0:
                break
            gone.append(name)
            excess -= sizes[name]
    return gone


def room(used: int, limit: int) -> int:
    """Fewer bytes than this bring the file nowhere near its size."""
    return limit - NEAR - used


def piece(used: int, limit: int, data: bytes | memoryview) -> int:
    """How much of a piece goes into the file now. `used` is less than `limit`."""
    length = min(len(data), limit - used)
    if used + length >= limit - NEAR:
        newline = bytes(data[:length]).rfind(b"\n")
        if newline >= 0:
            return newline + 1
    return length


def is_full(used: int, limit: int, last: int) -> bool:
    """After a write that ended in the byte `last`: is it time for the next file?"""
    return used >= limit - NEAR and last == 0x0A


def pieces(output: bytes, *, goes_on: bool) -> Iterator[bytes]:
    """What the original writes at a time of the output of one step.

    `goes_on`: it begins in the middle of a line whose head was written in an earlier step.
    """
    at = 0
    size = len(output)
    while True:
        if goes_on:  # nothing is held back yet
            end = output.find(b"\n", at) + 1 or size
            while end - at > BUFFER:
                yield output[at : at + BUFFER]
                at += BUFFER
        if size - at <= BUFFER:
            break
        end = output.rfind(b"\n", at, at + BUFFER + 1)
        if goes_on := end < at:  # a line that is too large for the buffer
            end = output.find(b"\n", at, at + HEAD)
            end = end if end >= 0 else min(at + HEAD, size)
        elif end < at + BUFFER:  # else this newline is what the buffer has no more room for
            end += 1
        yield output[at:end]
        at = end
    if at < size:
        yield output[at:]
