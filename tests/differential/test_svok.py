"""svok beside the original."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.chains import both
from tests.support.run import Outcome
from tests.support.supervised import double, make_service, supervised

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 100),
        (["good"], 0),
        (["good/"], 0),
        (["good", "nowhere"], 0),
        (["nowhere", "good"], 111),
        ([""], 111),
        (["file"], 111),
        (["loop"], 111),
        (["plain"], 100),
        (["left"], 100),
        (["file-for-supervise"], 111),
        (["directory-for-ok"], 111),
        (["file-for-ok"], 0),
        (["-x"], 111),
        (["--", "good"], 111),
        ([b"\xff"], 111),
    ],
)
def test_arguments(tmp_path: Path, arguments: list[str | bytes], status: int) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "plain").mkdir()
    (tmp_path / "file-for-supervise").mkdir()
    (tmp_path / "file-for-supervise" / "supervise").touch()
    (tmp_path / "directory-for-ok" / "supervise" / "ok").mkdir(parents=True)
    (tmp_path / "file-for-ok" / "supervise").mkdir(parents=True)
    (tmp_path / "file-for-ok" / "supervise" / "ok").touch()
    with double(tmp_path / "left"):
        pass
    with double(tmp_path / "good"):
        theirs, mine = both("svok", arguments, cwd=tmp_path)
    assert mine == theirs
    assert mine.status == status


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_no_right_to_ask(tmp_path: Path) -> None:
    with double(tmp_path / "service"):
        (tmp_path / "service" / "supervise").chmod(0)
        try:
            theirs, mine = both("svok", ["service"], cwd=tmp_path)
        finally:
            (tmp_path / "service" / "supervise").chmod(0o700)
    assert mine == theirs
    assert mine == Outcome(111, b"", b"svok: fatal: unable to open service/supervise/ok: access denied\n")


@pytest.mark.slow
def test_under_the_original_supervise(tmp_path: Path) -> None:
    make_service(tmp_path / "service", down=True)
    with supervised(tmp_path / "service"):
        for outcome in both("svok", ["service"], cwd=tmp_path):
            assert outcome == Outcome(0, b"", b"")
    for outcome in both("svok", ["service"], cwd=tmp_path):
        assert outcome == Outcome(100, b"", b"")
