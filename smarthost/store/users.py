"""users/cdb, as qmail-newu makes it and qmail-lspawn reads it: replaced while it is in use.

It is written as users/cdb.tmp, synced, and renamed, which is the commit point. The name is synced too;
if that fails the new file is in use, and may be gone after a power cut.
"""

from __future__ import annotations

import os

from smarthost.errors import FormatError, Temporary
from smarthost.formats import assign, cdb
from smarthost.formats.lines import Lines
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

ASSIGN: Final = b"users/assign"
COMPILED: Final = b"users/cdb"
DRAFT: Final = b"users/cdb.tmp"


class Users:
    """The assignments of a home. Looked at for each address, so that new ones count at once."""

    def __init__(self, home: bytes) -> None:
        self._path = home + b"/" + COMPILED
        self._reader: cdb.Reader | None = None

    def find(self, local: bytes) -> bytes | None:
        """As assign.find; None too if there is no such file. Raises OSError or FormatError."""
        reader = self._current()
        return None if reader is None else assign.find(reader.get, local)

    def _current(self) -> cdb.Reader | None:
        try:
            now = cdb.identity(os.stat(self._path))
        except FileNotFoundError:
            self.close()
            return None
        if self._reader is None or self._reader.identity != now:
            self.close()
            self._reader = cdb.Reader(files.open_read(self._path))
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None


def compile_assignments(home: bytes) -> None:
    """Make users/cdb of users/assign. Raises Temporary, in qmail-newu's words."""
    directory = home + b"/"
    try:
        source = files.open_read(directory + ASSIGN)
    except OSError as error:
        raise Temporary("unable to open users/assign") from error
    try:
        _write(source, directory + DRAFT)
    finally:
        os.close(source)
    try:
        files.rename(directory + DRAFT, directory + COMPILED)
    except OSError as error:
        raise Temporary("unable to move users/cdb.tmp to users/cdb") from error
    try:
        files.sync_names(directory + b"users")
    except OSError as error:
        raise Temporary("unable to write users") from error


class _Unreadable(Exception):
    pass


def _write(source: int, draft: bytes) -> None:
    try:
        descriptor = files.create_empty(draft)
    except OSError as error:
        raise Temporary("unable to open users/cdb.tmp") from error
    try:
        try:
            maker = cdb.Maker(descriptor)
            for keys, data in assign.records(Lines(_blocks(source))):
                maker.add(keys, data)
            maker.finish()
            files.sync(descriptor)
        finally:
            files.close(descriptor)
    except _Unreadable as error:
        raise Temporary("unable to read users/assign") from error
    except FormatError as error:
        raise Temporary("bad format in users/assign") from error
    except OSError as error:
        raise Temporary("unable to write users/cdb.tmp") from error


def _blocks(source: int) -> Iterator[bytes]:
    try:
        yield from files.blocks(source)
    except OSError as error:
        raise _Unreadable from error
