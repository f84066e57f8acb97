"""The table of hosts that did not answer in time (tcpto.c): 64 records of 16 bytes, which C programs share.

    0-3   the IPv4 address; there is no room for any other
    4     how often it timed out lately, 10 at most; 0 is a record to be used again
    8-11  when it last did, least significant byte first

Two minutes must pass between time-outs that count: many deliveries that fail together say no more than one.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SIZE: Final = 1024
RECORD_SIZE: Final = 16
EMPTY: Final = bytes(SIZE)

COUNT_LIMIT: Final = 10
# A host is passed over when it timed out so often, for about an hour: longer for some processes than for
# others, so that not all of them try it again at once.
ENOUGH: Final = 2
# Seconds in which one more time-out says nothing new.
APART: Final = 120

Change = tuple[int, bytes]


class Entry:
    """One host that timed out: `address` as four bytes, `when` in seconds of the epoch."""

    __slots__ = ("address", "count", "when")

    def __init__(self, address: bytes, count: int, when: int) -> None:
        self.address = address
        self.count = count
        self.when = when

    def encode(self, old: bytes) -> bytes:
        """The record; what has no meaning stays as it was."""
        when = (self.when % 2**32).to_bytes(4, "little")
        return self.address + bytes((self.count,)) + old[5:8] + when + old[12:]


def entries(table: bytes) -> list[Entry]:
    """Every record, those without a meaning too; a part of one at the end is none."""
    ends = range(RECORD_SIZE, min(len(table), SIZE) + 1, RECORD_SIZE)
    return [_decoded(table[end - RECORD_SIZE : end]) for end in ends]


def _decoded(record: bytes) -> Entry:
    count = record[4] if record[4] < 128 else 0  # a signed char to the original, and never more than 10
    return Entry(record[:4], count, int.from_bytes(record[8:12], "little"))


def patience(pid: int) -> int:
    """For how many seconds this process passes over a host."""
    return (60 + (pid & 31)) << 6


def find(table: bytes, address: bytes) -> Entry | None:
    for entry in entries(table):
        if entry.address == address:
            return entry
    return None


def is_passed_over(entry: Entry | None, now: int, pid: int) -> bool:
    return entry is not None and entry.count >= ENOUGH and now - entry.when < patience(pid)


def answered(table: bytes, address: bytes) -> Change | None:
    """What is to be written, and where, when a host answered; None for nothing."""
    for number, entry in enumerate(entries(table)):
        if entry.address == address:
            entry.count = 0
            return _change(table, number, entry)
    return None


def timed_out(table: bytes, address: bytes, now: int) -> Change | None:
    """What is to be written, and where, when a host did not answer in time; None for nothing.

    A host that is not known yet takes the first free record, else the one that says least: the oldest,
    where each time-out that it counts makes it 17 minutes younger.
    """
    known = entries(table)
    for number, entry in enumerate(known):
        if entry.address == address:
            if entry.count and now < APART + entry.when:
                return None
            return _change(table, number, Entry(address, min(entry.count + 1, COUNT_LIMIT), now))
    if not known:
        return None
    free = [number for number, entry in enumerate(known) if not entry.count]
    number = (
        free[0] if free else min(range(len(known)), key=lambda at: known[at].when + (known[at].count << 10))
    )
    return _change(table, number, Entry(address, 1, now))


def _change(table: bytes, number: int, entry: Entry) -> Change:
    at = number * RECORD_SIZE
    return at, entry.encode(table[at : at + RECORD_SIZE])
