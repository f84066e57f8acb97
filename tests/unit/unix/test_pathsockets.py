"""unix.pathsockets: a socket's name in the file system.

Not tested: that a socket was replaced between the look at it and its removal; no call can do both.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smarthost.unix import pathsockets

if TYPE_CHECKING:
    from pathlib import Path


def place(path: Path | bytes, *, mask: int = 0, mode: int = 0, owner: int = -1) -> pathsockets.Place:
    return pathsockets.Place(os.fsencode(path), mask, mode, owner, -1)


def test_peer_is_who_connected(tmp_path: Path) -> None:
    with closing(pathsockets.listener(place(tmp_path / "s"), 5)) as listening:
        with pytest.raises(BlockingIOError):
            pathsockets.accept(listening)
        with closing(pathsockets.connect(os.fsencode(tmp_path / "s"))) as client:
            accepted = pathsockets.accept(listening)
            try:
                us = (os.geteuid(), os.getegid(), os.getpid())
                assert pathsockets.peer(accepted) == us
                assert pathsockets.peer(client.fileno()) == us
                assert not os.get_inheritable(accepted)
                os.fstat(accepted)  # asking did not close it
            finally:
                os.close(accepted)


@pytest.mark.parametrize(
    ("mask", "mode", "made"), [(0, 0, 0o777), (0o22, 0, 0o755), (0o777, 0o660, 0o660), (0, 0o1600, 0o1600)]
)
def test_mode(mask: int, mode: int, made: int, tmp_path: Path) -> None:
    before = os.umask(0o27)
    try:
        with closing(pathsockets.listener(place(tmp_path / "s", mask=mask, mode=mode), 5)):
            assert (tmp_path / "s").stat().st_mode & 0o7777 == made
        assert os.umask(0o27) == 0o27
    finally:
        os.umask(before)


def test_a_socket_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(tmp_path / "s"))
        with closing(pathsockets.listener(place(tmp_path / "s"), 5)):
            pathsockets.connect(os.fsencode(tmp_path / "s")).close()  # nobody listens at the old one
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "s")
    for name in ("file", "directory", "link"):
        with pytest.raises(OSError, match="bind") as refused:
            pathsockets.listener(place(tmp_path / name), 5)
        assert refused.value.errno == errno.EADDRINUSE
    assert len(list(tmp_path.iterdir())) == 4


def test_only_the_socket_that_is_meant_is_removed(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "s")
    with closing(pathsockets.listener(place(path), 5)):
        device, inode = pathsockets.identity(path)
        pathsockets.remove(path, (device, inode + 1))
        assert os.path.exists(path)
        pathsockets.remove(path, (device, inode))
        assert not os.path.exists(path)
        pathsockets.remove(path, (device, inode))


@pytest.mark.parametrize(
    ("length", "number"), [(0, errno.ENOENT), (107, 0), (108, errno.ENAMETOOLONG), (500, errno.ENAMETOOLONG)]
)
def test_lengths_of_names(length: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = b"s" * length
    if not number:
        with closing(pathsockets.listener(place(name), 5)), closing(pathsockets.connect(name)):
            return
    with pytest.raises(OSError, match="bind") as refused:
        pathsockets.listener(place(name), 5)
    assert refused.value.errno == number
    with pytest.raises(OSError, match=r"^\[Errno \d+\] connect to s*$") as refused:
        pathsockets.connect(name)
    assert refused.value.errno == number


@pytest.mark.skipif(os.getuid() == 0, reason="root may give files away")
def test_a_step_that_fails_leaves_no_socket(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="chown"):
        pathsockets.listener(place(tmp_path / "s", owner=0), 5)
    assert not (tmp_path / "s").exists()
