"""Laying out a tree. Not tested: an interpreter that is moved after its launchers were written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smarthost import launch
from smarthost.errors import FormatError
from smarthost.store import deployment
from smarthost.store.deployment import KEPT, MADE, SAME
from smarthost.unix import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = "smarthost.programs.qmail.maildirmake"


@pytest.fixture(autouse=True)
def _a_careful_umask() -> Iterator[None]:
    mask = os.umask(0o077)
    yield
    os.umask(mask)


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path / "thing")


def test_directories(path: bytes) -> None:
    assert deployment.directory(path + b"/a/b") == MADE
    assert deployment.directory(path + b"/a/b") == SAME
    assert [os.stat(each).st_mode & 0o777 for each in (path, path + b"/a", path + b"/a/b")] == [0o755] * 3


def test_a_file(path: bytes) -> None:
    assert deployment.file(path, b"one\n") == MADE
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert deployment.file(path, b"one\n") == SAME
    assert deployment.file(path, b"two\n") == KEPT
    with open(path, "rb") as kept:
        assert kept.read() == b"one\n"


def test_a_file_that_cannot_be_written_changes_nothing(path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.put(path, b"one\n")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "")

    for step in ("write", "sync", "rename"):
        with monkeypatch.context() as patched:
            patched.setattr(files, step, full)
            with pytest.raises(OSError, match=r"^\[Errno 28\]"):
                deployment.put(path, b"two\n")
        assert os.listdir(os.path.dirname(path)) == [b"thing"]
        with open(path, "rb") as kept:
            assert kept.read() == b"one\n"


def test_a_link(path: bytes) -> None:
    assert deployment.link(path, b"target") == MADE
    assert deployment.link(path, b"target") == SAME
    assert deployment.link(path, b"elsewhere") == KEPT
    assert os.readlink(path) == b"target"
    deployment.put(path + b"2", b"")
    assert deployment.link(path + b"2", b"target") == KEPT


def test_a_launcher_runs_and_is_known(path: bytes, tmp_path: Path) -> None:
    deployment.put(path, deployment.launcher(MODULE), 0o755)
    subprocess.run([path, tmp_path / "Maildir"], check=True, env={})
    assert (tmp_path / "Maildir/new").is_dir()
    assert deployment.is_launcher_of(path, MODULE)
    assert not deployment.is_launcher_of(path, MODULE + "r")
    assert launch.module_of(path) == MODULE


def test_the_launchers_of_an_installation_are_known_too(path: bytes) -> None:
    deployment.put(
        path, b"#!/usr/bin/python3\nfrom %b import main\n\nraise SystemExit(main())\n" % MODULE.encode()
    )
    assert deployment.is_launcher_of(path, MODULE)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\nexec other\n"])
def test_what_is_no_launcher(path: bytes, content: bytes) -> None:
    assert not deployment.is_launcher_of(path, MODULE)
    deployment.put(path, content)
    assert not deployment.is_launcher_of(path, MODULE)


@pytest.mark.parametrize("interpreter", [b"/a b/python3", b"/" + b"x" * 122])
def test_an_interpreter_that_cannot_stand_in_a_script(interpreter: bytes) -> None:
    with pytest.raises(FormatError):
        deployment.launcher(MODULE, interpreter)
    assert deployment.launcher(MODULE, b"/" + b"x" * 120)


def test_the_package_is_where_it_was_imported_from() -> None:
    assert os.path.samefile(
        sys.modules["smarthost"].__path__[0], deployment.package_directory() + "/smarthost"
    )
