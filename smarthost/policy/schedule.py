"""Which message is next? A heap of messages by the time that they wait for (qmail's prioq.c).

A queue may hold a hundred thousand: sixteen bytes each. Messages of the same second come out in the
order that the original's heap gives them.
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Schedule:
    __slots__ = ("_numbers", "_times")

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._times = array("q")

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Number and time of each, in no order."""
        return zip(self._numbers, self._times, strict=True)

    def add(self, number: int, time: int) -> None:
        self._numbers.append(number)
        self._times.append(time)
        self._rise(len(self._times) - 1)

    def next_time(self) -> int | None:
        """The time of the first; None if there is none."""
        return self._times[0] if self._times else None

    def take(self) -> tuple[int, int]:
        """The first, with its time. There must be one."""
        first = self._numbers[0], self._times[0]
        self._fill(0)
        return first

    def remove(self, number: int) -> int | None:
        """Take this message out, whenever it is for: its time; None if it is not there."""
        try:
            place = self._numbers.index(number)
        except ValueError:
            return None
        time = self._times[place]
        self._fill(place)
        return time

    def all_at(self, time: int) -> None:
        """Every message waits for this time now."""
        self._times = array("q", [time]) * len(self._times)

    def _rise(self, place: int) -> None:
        """The message there may be earlier than what is above it."""
        numbers, times = self._numbers, self._times
        number, time = numbers[place], times[place]
        while place:
            above = (place - 1) // 2
            if times[above] <= time:
                break
            numbers[place], times[place] = numbers[above], times[above]
            place = above
        numbers[place], times[place] = number, time

    def _fill(self, place: int) -> None:
        """Let the last message go where this one was, and sink from there."""
        numbers, times = self._numbers, self._times
        last = len(times) - 1
        number, time = numbers[last], times[last]
        hole = place
        while (below := 2 * hole + 2) <= last:
            if times[below - 1] <= times[below]:
                below -= 1
            if time <= times[below]:
                break
            numbers[hole], times[hole] = numbers[below], times[below]
            hole = below
        numbers[hole], times[hole] = number, time
        numbers.pop()
        times.pop()
        if hole == place != last:
            self._rise(place)
