"""maildirmake beside the original. Not tested: a disk that is full between two directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


def scenario(program: str, cwd: Path, arguments: list[str]) -> tuple[Outcome, list[tuple[str, int]]]:
    cwd.mkdir()
    (cwd / "there").mkdir()
    done = run([program, *arguments], cwd=cwd)
    return done, sorted((str(path.relative_to(cwd)), path.stat().st_mode) for path in cwd.rglob("*"))


CASES = {
    "made": ["Maildir"],
    "exists": ["there"],
    "nameless": [],
    "empty": [""],
    "deep": ["no/such/parent"],
    "more arguments are ignored": ["Maildir", "Maildir2"],
    "a dash is a name": ["-x"],
}


@pytest.mark.parametrize("arguments", CASES.values(), ids=list(CASES))
def test_as_the_original(arguments: list[str], tmp_path: Path) -> None:
    assert scenario(ours("maildirmake"), tmp_path / "ours", arguments) == scenario(
        qmail_peer("maildirmake"), tmp_path / "theirs", arguments
    )


def test_a_maildir_is_for_its_owner_only(tmp_path: Path) -> None:
    done, tree = scenario(ours("maildirmake"), tmp_path / "here", ["Maildir"])
    assert done == Outcome(0, b"", b"")
    assert tree[:4] == [(name, 0o40700) for name in ("Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp")]


def test_usage(tmp_path: Path) -> None:
    assert run([ours("maildirmake")], cwd=tmp_path) == Outcome(
        100, b"", b"maildirmake: usage: maildirmake name\n"
    )
