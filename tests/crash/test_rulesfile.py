"""A rules file is the old one or the new one, each whole, wherever its making ends.

Not tested: what a power cut leaves of a rename that was not synced; either file is whole.
"""

from __future__ import annotations

import errno
import os
import resource
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Temporary
from smarthost.formats import cdb
from smarthost.store import rulesfile
from tests.support.run import ours, run
from tests.support.stop_at import Stopped, stop_at

if TYPE_CHECKING:
    from pathlib import Path

MORE = ((cdb.Maker, "add"), (cdb.Maker, "finish"))
ORDER = ["create_empty", "add", "finish", "sync", "rename"]
WORDS = {
    "create_empty": "unable to create {tmp}: ",
    "add": "unable to write to {tmp}: ",
    "finish": "unable to write to {tmp}: ",
    "sync": "unable to write to {tmp}: ",
    "rename": "unable to move {tmp} to {cdb}: ",
}


def publish(place: Path, data: bytes) -> None:
    rulesfile.publish(os.fsencode(place / "cdb"), os.fsencode(place / "tmp"), [([b""], [data])])


def published(place: Path) -> bytes | None:
    with cdb.Reader(os.open(place / "cdb", os.O_RDONLY)) as rules:
        return rules.get(b"")


def test_what_is_renamed_was_synced(tmp_path: Path) -> None:
    with stop_at(None, more=MORE) as steps:
        publish(tmp_path, b"new")
    assert steps == ORDER
    assert published(tmp_path) == b"new"
    assert os.listdir(tmp_path) == ["cdb"]


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_stopped_anywhere_the_old_file_is_whole(tmp_path: Path, number: int) -> None:
    publish(tmp_path, b"old")
    with pytest.raises(Stopped), stop_at(number, more=MORE):
        publish(tmp_path, b"new")
    assert published(tmp_path) == b"old"
    publish(tmp_path, b"newer")  # what was left behind is in nobody's way
    assert published(tmp_path) == b"newer"


@pytest.mark.parametrize("number", range(len(ORDER)))
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errno.ENOSPC, "out of disk space"),
        (errno.EIO, "input/output error"),
        (errno.EMFILE, "process cannot open more files"),
    ],
)
def test_refused_anywhere_the_old_file_is_whole(tmp_path: Path, number: int, error: int, reason: str) -> None:
    publish(tmp_path, b"old")
    with pytest.raises(Temporary) as caught, stop_at(number, error, more=MORE):
        publish(tmp_path, b"new")
    words = WORDS[ORDER[number]].format(tmp=tmp_path / "tmp", cdb=tmp_path / "cdb")
    assert str(caught.value) == words + reason
    assert caught.value.status == 111
    assert published(tmp_path) == b"old"


def test_a_parse_error_leaves_the_old_file(tmp_path: Path) -> None:
    assert run([ours("tcprules"), "cdb", "tmp"], b":deny\n", cwd=tmp_path).status == 0
    before = (tmp_path / "cdb").read_bytes()
    assert run([ours("tcprules"), "cdb", "tmp"], b":allow\n:\n", cwd=tmp_path).status == 100
    assert (tmp_path / "cdb").read_bytes() == before


def test_a_real_end_of_room(tmp_path: Path) -> None:
    """The system stops the writes that the library makes in C."""
    publish(tmp_path, b"old")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, usual[1]))
    try:
        with pytest.raises(Temporary, match=r"unable to write to .*: file too big"):
            publish(tmp_path, b"new" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert published(tmp_path) == b"old"


def test_more_than_a_cdb_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OverflowError

    descriptor = os.open(tmp_path / "tmp", os.O_WRONLY | os.O_CREAT)
    maker = cdb.Maker(descriptor)
    monkeypatch.setattr(maker, "_maker", type("Full", (), {"add": full}))
    with pytest.raises(OSError) as caught:
        maker.add([b""], [b""])
    assert caught.value.errno == errno.ENOMEM
    os.close(descriptor)
