"""Where a log file ends: sizes, and the pieces that the original would write. And which old files have to go."""

from __future__ import annotations

import pytest

from smarthost.policy import rotation


@pytest.mark.parametrize(
    ("number", "size"), [(0, 4096), (4095, 4096), (4096, 4096), (16777215, 16777215), (16777216, 16777215)]
)
def test_size_has_bounds(number: int, size: int) -> None:
    assert rotation.size(number) == size


def test_files_have_a_least_number() -> None:
    assert [rotation.files(number) for number in (0, 1, 2, 3)] == [2, 2, 2, 3]


@pytest.mark.parametrize(
    ("used", "data", "length"),
    [
        (0, b"ab\ncd", 5),
        (2090, b"ab\ncd", 5),
        (2091, b"ab\ncd", 3),  # 2091 + 5 = 4096 - 2000
        (2091, b"abcde", 5),
        (4093, b"abcde", 3),
        (4093, b"a\nb\n", 2),
    ],
)
def test_a_piece_is_cut_near_the_size(used: int, data: bytes, length: int) -> None:
    assert rotation.piece(used, 4096, data) == length
    assert rotation.piece(used, 4096, memoryview(data)) == length


def test_a_file_is_full_near_its_size_after_a_line() -> None:
    assert rotation.room(2095, 4096) == 1
    assert not rotation.is_full(2095, 4096, ord("\n"))
    assert rotation.is_full(2096, 4096, ord("\n"))
    assert not rotation.is_full(4096, 4096, ord("x"))


@pytest.mark.parametrize(
    ("output", "goes_on", "sizes"),
    [
        (b"", False, []),
        (b"x" * 511 + b"\n", False, [512]),
        (b"x" * 512 + b"\n", False, [512, 1]),  # the newline finds the buffer full
        (b"x" * 513 + b"\n", False, [513, 1]),  # too large for the buffer
        (b"x" * 300 + b"\n" + b"x" * 211 + b"\n", False, [512, 1]),
        (b"x" * 300 + b"\n" + b"x" * 212 + b"\n", False, [301, 213]),
        (b"x" * 1000, False, [1000]),
        (b"x" * 1500, False, [1000, 500]),
        (b"x" * 1600 + b"\nab\n", False, [1000, 512, 92]),
        (b"x" * 600 + b"\nab\n", True, [512, 92]),
    ],
)
def test_pieces(output: bytes, sizes: list[int], *, goes_on: bool) -> None:
    pieces = list(rotation.pieces(output, goes_on=goes_on))
    assert b"".join(pieces) == output
    assert [len(piece) for piece in pieces] == sizes


SIZES = {b"@1": 50, b"@2": 10, b"@3": 30, b"@4": 5}


@pytest.mark.parametrize(
    ("files", "total", "gone"),
    [
        (10, 0, []),
        (4, 0, [b"@1"]),
        (2, 0, [b"@1", b"@2", b"@3"]),
        (10, 95, []),
        (10, 94, [b"@1"]),
        (10, 45, [b"@1"]),
        (10, 44, [b"@1", b"@2"]),
        (4, 44, [b"@1", b"@2"]),
        (10, 4, [b"@1", b"@2", b"@3", b"@4"]),
    ],
)
def test_the_oldest_go_first(files: int, total: int, gone: list[bytes]) -> None:
    assert rotation.surplus({b"@3", b"@1", b"@4", b"@2"}, files, SIZES, total) == gone


def test_what_has_no_size_is_spared_by_the_total_and_not_by_the_number() -> None:
    sizes = {name: size for name, size in SIZES.items() if name != b"@4"}
    assert rotation.surplus(SIZES, 10, sizes, 1) == [b"@1", b"@2", b"@3"]
    assert rotation.surplus({*SIZES, b"@5"}, 2, sizes, 1) == [b"@1", b"@2", b"@3", b"@4"]
    assert rotation.surplus(SIZES, 10, None, 1) == []
