"""cdb files, for any keys, data and bytes at all."""

from __future__ import annotations

import os
import tempfile
from unittest import mock

import cdbx
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import cdb

records = st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=40)), max_size=30)


def made(pairs: list[tuple[bytes, bytes]]) -> bytes:
    with tempfile.TemporaryFile() as file:
        maker = cdb.Maker(file.fileno())
        maker.add([key for key, _ in pairs], [data for _, data in pairs])
        maker.finish()
        file.seek(0)
        return file.read()


def reader(content: bytes, *, small: bool) -> cdb.Reader:
    """Of a file that has no name; read from memory, or slot by slot."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with mock.patch.object(cdb, "SMALL", cdb.SMALL if small else 0):
            return cdb.Reader(os.dup(file.fileno()))


class TestConstantDatabase:
    """cdb.txt: "A cdb is an associative array: it maps strings (``keys'') to strings (``data'')." """

    @given(pairs=records, small=st.booleans())
    def test_what_is_made_is_read(self, pairs: list[tuple[bytes, bytes]], small: bool) -> None:
        with reader(made(pairs), small=small) as database:
            assert list(database.records()) == pairs
            for key in {key for key, _ in pairs} | {b"", b"\0", b"missing"}:
                assert database.get(key) == next((data for found, data in pairs if found == key), None)

    @given(pairs=records)
    def test_cdbx_reads_the_same(self, pairs: list[tuple[bytes, bytes]]) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(made(pairs))
            file.flush()
            database = cdbx.CDB(file.fileno(), mmap=False)
            assert list(database.items(all=True)) == pairs
            database.close()


class TestAnyBytes:
    """Bytes that are no cdb give FormatError, or answers, and nothing else."""

    @given(
        pairs=records,
        changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255))),
        small=st.booleans(),
    )
    def test_changed_bytes(
        self, pairs: list[tuple[bytes, bytes]], changes: list[tuple[int, int]], small: bool
    ) -> None:
        content = bytearray(made(pairs))
        for position, byte in changes:
            if position < len(content):
                content[position] = byte
        try:
            with reader(bytes(content), small=small) as database:
                for key, _ in pairs:
                    assert database.get(key) is None or isinstance(database.get(key), bytes)
                list(database.records())
        except FormatError:
            pass

    @given(content=st.binary(max_size=5000), small=st.booleans())
    def test_random_bytes(self, content: bytes, small: bool) -> None:
        try:
            with reader(content, small=small) as database:
                assert database.get(content[:4]) is None
        except FormatError:
            pass
