"""cdb files: what is made can be read, and what is no whole cdb is refused.

Each case is read twice: from memory, as small files are, and slot by slot, as large ones are.
Not tested: files that approach 4 GB.
"""

from __future__ import annotations

import errno
import os
import resource
import struct
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import FormatError
from smarthost.formats import cdb

if TYPE_CHECKING:
    from pathlib import Path

# Made with freecdb: printf '+3,1:one->1\n+3,2:two->22\n+3,1:one->3\n\n' | cdbmake; the records of it.
RECORDS = [(b"one", b"1"), (b"two", b"22"), (b"one", b"3")]


@pytest.fixture(params=["small", "large"], autouse=True)
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "large":
        monkeypatch.setattr(cdb, "SMALL", 0)


def make(path: Path, records: list[tuple[bytes, bytes]]) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    maker = cdb.Maker(descriptor)
    maker.add([key for key, _ in records], [data for _, data in records])
    maker.finish()
    os.close(descriptor)
    return path


def reader(path: Path) -> cdb.Reader:
    return cdb.Reader(os.open(path, os.O_RDONLY))


def read(path: Path, keys: list[bytes]) -> list[bytes | None]:
    with reader(path) as rules:
        return [rules.get(key) for key in keys]


def test_the_hash_is_the_published_one() -> None:
    # 5381, then (h << 5) + h, xor the byte: worked out by hand for "a".
    assert cdb.hash_of(b"") == 5381
    assert cdb.hash_of(b"a") == (5381 * 33) ^ 97
    assert cdb.hash_of(b"a" * 100) < 2**32


def test_the_first_of_several_is_found_and_what_is_not_there_is_not(tmp_path: Path) -> None:
    path = make(tmp_path / "cdb", RECORDS)
    assert read(path, [b"one", b"two", b"", b"three"]) == [b"1", b"22", None, None]


def test_records_come_in_the_order_they_were_added(tmp_path: Path) -> None:
    with reader(make(tmp_path / "cdb", RECORDS)) as rules:
        assert list(rules.records()) == RECORDS
        assert b"".join(rules.blocks()) == b"".join(
            struct.pack("<2L", len(key), len(data)) + key + data for key, data in RECORDS
        )


def test_nothing_in_it(tmp_path: Path) -> None:
    path = make(tmp_path / "cdb", [])
    assert path.stat().st_size == 2048
    assert read(path, [b"", b"x"]) == [None, None]


def test_many_records_with_equal_hashes_modulo_anything(tmp_path: Path) -> None:
    records = [(b"%d" % number, b"=%d" % number) for number in range(3000)]
    path = make(tmp_path / "cdb", records)
    assert read(path, [key for key, _ in records]) == [data for _, data in records]
    assert read(path, [b"%d" % number for number in range(3000, 6000)]) == [None] * 3000


def test_truncated_anywhere_is_refused_when_opened(tmp_path: Path) -> None:
    path = make(tmp_path / "cdb", RECORDS)
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        with pytest.raises(FormatError):
            reader(path)


def test_cut_short_after_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdb, "SMALL", 0)
    path = make(tmp_path / "cdb", RECORDS)
    with reader(path) as rules:
        os.truncate(path, 2050)
        with pytest.raises(FormatError):
            rules.get(b"one")


def test_read_by_a_child_at_the_same_time(tmp_path: Path) -> None:
    """The descriptor's offset, which parent and child share, stays where it is."""
    descriptor = os.open(make(tmp_path / "cdb", RECORDS), os.O_RDONLY)
    with cdb.Reader(descriptor) as rules:
        assert rules.get(b"one") == b"1"
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0


def patched(tmp_path: Path, position: int, *numbers: int) -> Path:
    """A cdb of one record, some numbers of which are others."""
    path = make(tmp_path / "cdb", [(b"key", b"data")])
    whole = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(numbers)}L", whole, position, *numbers)
    path.write_bytes(whole)
    return path


def table_of(key: bytes) -> int:
    return cdb.hash_of(key) % 256


RECORD = 2048
SLOTS = 2048 + 8 + 3 + 4


@pytest.mark.parametrize(
    ("position", "numbers"),
    [
        pytest.param(0, [2047], id="records end in the header"),
        pytest.param(0, [5000], id="records end behind the file"),
        pytest.param(table_of(b"key") * 8, [2048], id="a table among the records"),
        pytest.param(table_of(b"key") * 8, [SLOTS, 3], id="a table longer than the file"),
        pytest.param(table_of(b"key") * 8, [SLOTS, 2**32 - 1], id="a table longer than any file"),
        pytest.param(RECORD, [3, 2**32 - 1], id="data longer than any file"),
        pytest.param(RECORD, [3, 5], id="data into the tables"),
    ],
)
def test_numbers_that_cannot_be(tmp_path: Path, position: int, numbers: list[int]) -> None:
    path = patched(tmp_path, position, *numbers)
    with pytest.raises(FormatError):
        read(path, [b"key"])


def test_a_part_of_a_record_at_the_end(tmp_path: Path) -> None:
    path = patched(tmp_path, RECORD, 1, 1)  # leaves 5 bytes of what was one record
    with pytest.raises(FormatError), reader(path) as rules:
        list(rules.records())


class TestSlots:
    """What only a reader that goes by the tables can meet."""

    @pytest.fixture(autouse=True)
    def _large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cdb, "SMALL", 0)

    @pytest.mark.parametrize("record", [1, 2047, SLOTS - 7, SLOTS, 2**32 - 1])
    def test_a_slot_that_points_nowhere(self, tmp_path: Path, record: int) -> None:
        path = patched(tmp_path, SLOTS, *(cdb.hash_of(b"key"), record) * 2)
        with pytest.raises(FormatError):
            read(path, [b"key"])

    def test_a_table_without_a_free_slot_has_an_end(self, tmp_path: Path) -> None:
        path = patched(tmp_path, SLOTS, *(cdb.hash_of(b"other"), RECORD) * 2)
        assert read(path, [b"key"]) == [None]

    def test_the_same_hash_and_another_key(self, tmp_path: Path) -> None:
        path = patched(tmp_path, SLOTS, *(cdb.hash_of(b"key"), RECORD) * 2)
        whole = path.read_bytes().replace(b"keydata", b"kexdata")
        path.write_bytes(whole)
        assert read(path, [b"key"]) == [None]

    def test_the_same_hash_and_another_length(self, tmp_path: Path) -> None:
        assert read(patched(tmp_path, RECORD, 2, 5), [b"key"]) == [None]


def test_identity_changes_with_the_file(tmp_path: Path) -> None:
    first = make(tmp_path / "cdb", RECORDS)
    with reader(first) as rules:
        assert rules.identity == cdb.identity(os.stat(first))
        os.rename(make(tmp_path / "tmp", RECORDS), first)
        assert rules.identity != cdb.identity(os.stat(first))


def test_what_is_no_file_is_the_systems_to_refuse(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        reader(tmp_path)


def test_no_room_to_write(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "cdb", os.O_WRONLY | os.O_CREAT)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, usual[1]))
    try:
        maker = cdb.Maker(descriptor)
        with pytest.raises(OSError) as caught:
            maker.add([b"key"] * 10_000, [b"data"] * 10_000)
        assert caught.value.errno == errno.EFBIG
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        os.close(descriptor)
