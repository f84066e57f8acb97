"""The pipe between a service and its logger."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.supervision.attendance import open_home
from smarthost.supervision.logpipe import LogPipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[LogPipe]:
    made = LogPipe(lambda: open_home(bytes(tmp_path)))
    yield made
    made.close()


def test_what_is_in_it_outlives_both_sides(pipe: LogPipe) -> None:
    writer = pipe.writing_end()
    os.write(writer, b"line\n")
    os.close(writer)
    os.close(pipe.reading_end())
    assert pipe.unread() == 5
    reader = pipe.reading_end()
    assert os.read(reader, 100) == b"line\n"
    os.close(reader)


def test_the_end_of_file_comes_when_the_service_is_gone_for_good(pipe: LogPipe) -> None:
    writer, reader = pipe.writing_end(), pipe.reading_end()
    os.write(writer, b"last")
    os.close(writer)
    pipe.end_writing()
    assert [os.read(reader, 100), os.read(reader, 100)] == [b"last", b""]
    os.close(reader)


def test_each_start_has_a_blocking_mode_of_its_own(pipe: LogPipe) -> None:
    first, second = pipe.writing_end(), pipe.writing_end()
    os.set_blocking(first, False)
    assert os.get_blocking(second)
    reader = pipe.reading_end()
    assert os.get_blocking(reader)
    for descriptor in (first, second, reader):
        os.close(descriptor)


def test_a_file_of_that_name_is_not_taken_for_a_pipe(pipe: LogPipe, tmp_path: Path) -> None:
    (tmp_path / "supervise").mkdir()
    (tmp_path / "supervise/logpipe").touch()
    with pytest.raises(FileExistsError):
        pipe.hold()


def test_supervise_may_be_a_link_to_another_place(pipe: LogPipe, tmp_path: Path) -> None:
    (tmp_path / "supervise").symlink_to("other")
    pipe.hold()
    assert (tmp_path / "other/logpipe").is_fifo()
