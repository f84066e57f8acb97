"""Bytes put aside. Not tested: a disk that is full (qmail-qmqpc's tests have it)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from smarthost.unix.scratch import Scratch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("sizes", [[], [0], [9], [10], [11], [4, 4, 4, 4], [5, 200_000, 1]])
def test_what_went_in_comes_out_again_and_again(sizes: list[int], tmp_path: Path) -> None:
    scratch = Scratch({b"TMPDIR": os.fsencode(tmp_path)}, limit=10)
    whole = b""
    for number, size in enumerate(sizes):
        data = bytes([number]) * size
        scratch.append(data)
        whole += data
    assert scratch.size == len(whole)
    for _ in range(2):
        assert b"".join(scratch.blocks()) == whole
    scratch.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 10, 11])
def test_another_process_may_read_it(size: int, tmp_path: Path) -> None:
    scratch = Scratch({b"TMPDIR": os.fsencode(tmp_path)}, limit=10)
    scratch.append(b"x" * size)
    for _ in range(2):
        assert os.read(scratch.as_input(), 100) == b"x" * size
    assert b"".join(scratch.blocks()) == b"x" * size
    scratch.close()


def test_few_bytes_need_no_disk() -> None:
    scratch = Scratch({b"TMPDIR": b"/nowhere"}, limit=10)
    scratch.append(b"0123456789")
    with pytest.raises(OSError, match="No such file"):
        scratch.append(b"x")


def test_without_tmpdir_there_is_a_place() -> None:
    scratch = Scratch({}, limit=0)
    scratch.append(b"x")
    assert list(scratch.blocks()) == [b"x"]
    scratch.close()


@pytest.mark.parametrize("reason", [errno.EOPNOTSUPP, errno.EISDIR])
def test_a_file_system_without_nameless_files(
    reason: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def picky(path: bytes, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(reason, "")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", picky)
    scratch = Scratch({b"TMPDIR": os.fsencode(tmp_path)}, limit=0)
    scratch.append(b"x")
    assert list(scratch.blocks()) == [b"x"]
    assert list(tmp_path.iterdir()) == []
    scratch.close()


def test_a_shorter_file_is_noticed() -> None:
    scratch = Scratch({}, limit=0)
    scratch.append(b"0123456789")
    os.ftruncate(scratch._descriptor, 5)
    with pytest.raises(OSError, match="Input/output error"):
        list(scratch.blocks())
    scratch.close()
