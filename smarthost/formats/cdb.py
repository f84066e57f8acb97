"""Constant databases, D. J. Bernstein's cdb: https://cr.yp.to/cdb/cdb.txt.

2048 bytes of header (position and number of slots of each of 256 hash tables), the records (length
of key, length of data, key, data), and the tables' slots (hash, position of the record; position 0
is an empty slot). All numbers are little-endian and of 32 bits, so a file ends before 4 GB.

Making is cdbx's work. Reading is done here, because the same open file is read by tcpserver and by
the children it forks: cdbx seeks, and a descriptor's offset is shared with children, so that two
lookups at a time would read each other's bytes. Nothing is mapped either: a file that is truncated
under a map ends the process by SIGBUS.
"""

from __future__ import annotations

import errno
import os
from struct import Struct

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, Self

_HEADER: Final = Struct("<512L")
_PAIR: Final = Struct("<2L")

# What `blocks` reads at a time.
BLOCK: Final = 65536

# The records of a file up to this size are kept in memory: a lookup then costs less than a system
# call, and to read them all, some 2,000, takes about a millisecond.
SMALL: Final = 65536


def identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """What changes when another file takes the place of one, or when one is written over."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def hash_of(key: bytes) -> int:
    """The hash that cdb.txt defines, of 32 bits."""
    result = 5381
    for byte in key:
        result = (result * 33 ^ byte) & 0xFFFFFFFF
    return result


class Reader:
    """An open cdb, which may be read by this process and by its children at the same time.

    It owns the descriptor from the first moment: a file that is refused is closed. FormatError
    means that this is no whole cdb, or that it has been cut short since it was opened; OSError
    comes from the system.
    """

    __slots__ = ("_descriptor", "_header", "_small", "end", "identity", "size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._small: dict[bytes, bytes] | None = None
        try:
            status = os.fstat(descriptor)
            self.identity = identity(status)
            self.size = status.st_size
            self._header = _HEADER.unpack(self.read(_HEADER.size, 0))
            # Every maker of cdb files writes the records first, then the tables in order.
            self.end = self._header[0]
            self._check()
            if self.end <= SMALL:
                small: dict[bytes, bytes] = {}
                for key, data in self.records():
                    small.setdefault(key, data)
                self._small = small
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        """Every table lies inside the file, behind the records: a cut file is refused before it is used."""
        if not _HEADER.size <= self.end <= self.size:
            raise FormatError("records reach beyond the end of the file")
        positions, slots = self._header[::2], self._header[1::2]
        for position, count in zip(positions, slots, strict=True):
            if count and (position < self.end or position + _PAIR.size * count > self.size):
                raise FormatError("a hash table lies outside its part of the file")

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, length: int, position: int) -> bytes:
        """That many bytes of the file, from that position."""
        data = os.pread(self._descriptor, length, position)
        if len(data) < length:
            raise FormatError("the file ends too early")
        return data

    def get(self, key: bytes) -> bytes | None:
        """The data of the first record with this key."""
        if self._small is not None:
            return self._small.get(key)
        hashed = hash_of(key)
        table = hashed << 1 & 511
        position, slots = self._header[table : table + 2]
        for probe in range(slots):
            slot = ((hashed >> 8) + probe) % slots
            found, record = _PAIR.unpack(self.read(_PAIR.size, position + slot * _PAIR.size))
            if not record:
                return None
            if found == hashed:
                data = self._data(record, key)
                if data is not None:
                    return data
        return None

    def _data(self, record: int, key: bytes) -> bytes | None:
        """The data of the record at this position, if it has this key."""
        start = record + _PAIR.size
        if not _HEADER.size <= record <= self.end - _PAIR.size:
            raise FormatError("a record begins outside its part of the file")
        length, rest = _PAIR.unpack(self.read(_PAIR.size, record))
        if start + length + rest > self.end:
            raise FormatError("a record reaches beyond its part of the file")
        if length != len(key) or self.read(length, start) != key:
            return None
        return self.read(rest, start + length)

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key with its data in the order of the file, read into memory at once."""
        area = self.read(self.end - _HEADER.size, _HEADER.size)
        position, end = 0, len(area)
        while position < end:
            if end - position < _PAIR.size:
                raise FormatError("a record begins outside its part of the file")
            length, rest = _PAIR.unpack_from(area, position)
            data = position + _PAIR.size + length
            if data + rest > end:
                raise FormatError("a record reaches beyond its part of the file")
            yield area[position + _PAIR.size : data], area[data : data + rest]
            position = data + rest

    def blocks(self) -> Iterator[bytes]:
        """The bytes of all records, in pieces, whatever their number."""
        for position in range(_HEADER.size, self.end, BLOCK):
            yield self.read(min(BLOCK, self.end - position), position)


class Maker:
    """A cdb in the making, written to a descriptor that stays the caller's, as does the file's name.

    What is there before `finish` is no cdb. OSError from the system, and when 4 GB are exceeded.
    """

    __slots__ = ("_maker",)

    def __init__(self, descriptor: int) -> None:
        import cdbx  # noqa: PLC0415 - who only reads does without it

        self._maker = cdbx.CDB.make(descriptor, close=False, mmap=False)

    def add(self, keys: Iterable[bytes], data: Iterable[bytes]) -> None:
        """Add records, each key with the data that stands at the same place."""
        try:
            for _ in map(self._maker.add, keys, data):
                pass
        except OverflowError as error:
            raise OSError(errno.ENOMEM, "a cdb ends before 4 GB") from error

    def finish(self) -> None:
        """Write the tables and the header. Nothing is synced."""
        self._maker.commit().close()
