"""A message as it is read for servers: from a file or a pipe, from where it stands, as often as wanted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store.outgoing import Message, Unreadable
from smarthost.unix import files

if TYPE_CHECKING:
    from pathlib import Path

TEXT = b"Subject: x\n\n" + b"line\n" * 40_000


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(b"before" + TEXT)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.lseek(descriptor, 6, os.SEEK_SET)
        message = Message(descriptor)
        for _ in range(2):
            blocks = list(message.blocks())
            assert b"".join(blocks) == TEXT
            assert max(map(len, blocks)) <= files.BLOCK
        assert message.size() == len(TEXT)
        assert message.survey() == (len(TEXT) + TEXT.count(b"\n"), False)
        path.write_bytes(b"before" + b"x" * len(TEXT) + b"\xff\n")
        assert message.survey() == (len(TEXT) + 3, True)
        message.close()
    finally:
        os.close(descriptor)


def test_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, TEXT[:5000])
    os.close(writing)
    try:
        message = Message(reading)
    finally:
        os.close(reading)
    for _ in range(2):
        assert b"".join(message.blocks()) == TEXT[:5000]
    message.close()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "message", os.O_WRONLY | os.O_CREAT)
    try:
        message = Message(descriptor)
        for look in (message.size, message.survey):
            with pytest.raises(Unreadable):
                look()
    finally:
        os.close(descriptor)
    with pytest.raises(Unreadable):
        Message(descriptor)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(Unreadable):
            Message(descriptor).size()
    finally:
        os.close(descriptor)


def test_a_pipe_that_cannot_be_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smarthost.unix import scratch

    monkeypatch.setattr(scratch, "MEMORY_LIMIT", 10)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(scratch.Scratch.__init__, "__defaults__", (10,))
    reading, writing = os.pipe()
    os.write(writing, TEXT[:100])
    os.close(writing)
    try:
        with pytest.raises(Unreadable):
            Message(reading)
    finally:
        os.close(reading)
