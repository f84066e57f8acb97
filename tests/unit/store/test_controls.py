"""Control files on disk: missing, there, and unreadable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.controls import Controls

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def control(tmp_path: Path) -> Path:
    directory = tmp_path / "control"
    directory.mkdir()
    return directory


@pytest.fixture
def controls(control: Path) -> Controls:
    return Controls(os.fsencode(control.parent))


def test_a_missing_file_says_nothing(controls: Controls) -> None:
    assert controls.line(b"locals") is None
    assert controls.lines(b"locals") is None
    assert controls.number(b"databytes") is None
    assert controls.line(b"locals", or_me=True) is None
    assert controls.lines(b"locals", or_me=True) is None


def test_what_is_there(controls: Controls, control: Path) -> None:
    (control / "locals").write_bytes(b"a\n#\nb\n")
    (control / "databytes").write_bytes(b"100\n")
    assert controls.line(b"locals") == b"a"
    assert controls.lines(b"locals") == [b"a", b"b"]
    assert controls.number(b"databytes") == 100


def test_me_stands_in_for_a_missing_file_and_not_for_an_empty_one(controls: Controls, control: Path) -> None:
    (control / "me").write_bytes(b"mail.example \n")
    assert controls.line(b"helohost", or_me=True) == b"mail.example"
    assert controls.lines(b"locals", or_me=True) == [b"mail.example"]
    (control / "helohost").write_bytes(b"")
    assert controls.line(b"helohost", or_me=True) == b""
    assert controls.lines(b"helohost", or_me=True) == []


def test_a_change_counts_at_once(controls: Controls, control: Path) -> None:
    (control / "databytes").write_bytes(b"1\n")
    assert controls.number(b"databytes") == 1
    (control / "databytes").write_bytes(b"2\n")
    assert controls.number(b"databytes") == 2


def test_an_unreadable_file_is_not_a_missing_one(controls: Controls, control: Path) -> None:
    (control / "me").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        controls.line(b"locals", or_me=True)
    assert caught.value.filename == os.fsencode(control / "me")
    (control / "loop").symlink_to("loop")
    with pytest.raises(OSError) as looping:
        controls.lines(b"loop")
    assert looping.value.filename == os.fsencode(control / "loop")
