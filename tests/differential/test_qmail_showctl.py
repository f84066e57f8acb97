"""qmail-showctl beside the original, file by file. Not tested: a control directory that may not be listed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from smarthost.store.controlfiles import KNOWN, OURS, File
from tests.support.originals import qmail_peer
from tests.support.peerhome import peer_in_home
from tests.support.run import Outcome, ours, run

CONTENTS = {
    "fact": b"example.com \t\nsecond line\n",
    "number": b"42\n",
    "number and words": b"007 agents",
    "negative": b"-1\n",
    "blank before": b" 9\n",
    "empty": b"",
    "newline": b"\n",
    "list": b"# comment\none.example.com\n\n two # no comment\nthree",
    "binary": b"a\x00b\xff\x1b[2J\n",
}


def home_with(tmp_path: Path, files: dict[str, bytes]) -> Path:
    control = tmp_path / "home/control"
    control.mkdir(parents=True)
    for name, content in files.items():
        (control / name).write_bytes(content)
    return tmp_path / "home"


def comparable(done: Outcome, home: bytes) -> tuple[int, list[bytes], bytes]:
    """The home has another name here, the accounts too, and files in no list come in no order."""
    text = done.stdout.replace(home, b"HOME")
    text = re.sub(rb"(user|group) ids: .*\n", b"", text)
    return done.status, sorted(text.split(b"\n\n")), done.stderr


def ours_in(home: Path) -> Outcome:
    return run([ours("qmail-showctl")], env={"QMAILHOME": str(home)})


def same(home: Path) -> None:
    peer = os.fsencode(Path(qmail_peer("qmail-showctl")).parent.parent)
    theirs = run(peer_in_home("qmail-showctl", home))
    assert comparable(ours_in(home), os.fsencode(home)) == comparable(theirs, peer)


def test_defaults(tmp_path: Path) -> None:
    same(home_with(tmp_path, {}))


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_every_file_with(content: bytes, tmp_path: Path) -> None:
    same(home_with(tmp_path, {known.name.decode(): content for known in KNOWN}))


def test_me_speaks_for_what_is_missing(tmp_path: Path) -> None:
    same(home_with(tmp_path, {"me": b"smart.example.com\n"}))


@pytest.mark.parametrize("older", ["morercpthosts", "morercpthosts.cdb"])
@pytest.mark.parametrize(
    "present", [["morercpthosts"], ["morercpthosts.cdb"], ["morercpthosts", "morercpthosts.cdb"]]
)
@pytest.mark.parametrize("rcpthosts", [{}, {"rcpthosts": b"a\n"}])
def test_morercpthosts(present: list[str], older: str, rcpthosts: dict[str, bytes], tmp_path: Path) -> None:
    home = home_with(tmp_path, {**rcpthosts, **dict.fromkeys(present, b"x\n")})
    if older in present:
        os.utime(home / "control" / older, (0, 0))
    same(home)


@pytest.mark.parametrize("name", ["databytes", "idhost", "locals", "rcpthosts", "me"])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    home = home_with(tmp_path, {"databytes": b"1\n"})
    (home / "control" / name).unlink(missing_ok=True)
    (home / "control" / name).mkdir()
    same(home)


def test_files_that_nobody_knows(tmp_path: Path) -> None:
    same(home_with(tmp_path, {"zebra": b"", ".hidden": b"", "me~": b""}))


def test_no_control_directory(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    same(tmp_path / "home")


def test_no_home(tmp_path: Path) -> None:
    done = ours_in(tmp_path / "nowhere")
    assert done.status == 111
    assert done.stdout.endswith(b"\nOops! Unable to chdir to %s/nowhere.\n" % os.fsencode(tmp_path))


@pytest.mark.parametrize("own", OURS, ids=lambda own: own.name.decode())
def test_our_own_files_are_explained(own: File, tmp_path: Path) -> None:
    done = ours_in(home_with(tmp_path, {own.name.decode(): b"40\n"}))
    assert b"\n\n" + own.name + b": " in done.stdout
    assert b"no idea" not in done.stdout
    assert done.stdout.endswith(b".\n")


def test_accounts_are_shown(tmp_path: Path) -> None:
    assert re.search(
        rb"\nuser ids: (\S+, ){3}0, (\S+, ){3}\S+\.\ngroup ids: \S+, \S+\.\n", ours_in(tmp_path).stdout
    )
