"""maildir2mbox beside the original. Not tested: NFS."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.originals import qmail_peer
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.waiting import eventually

PAST = 1_700_000_000

MESSAGES: dict[str, bytes] = {
    "plain": b"Return-Path: <joe@example.com>\nSubject: one\n\nFrom the start\n>From again\n",
    "bounce": b"Return-Path: <>\nSubject: two\n\nbody\n",
    "blanks": b"Return-Path: <a b\tc@example.com>\n\n\n",
    "unsigned": b"Subject: none\n\n\xff\x00\rbinary\n",
    "empty": b"",
    "crlf": b"Return-Path: <joe@example.com>\r\nSubject: dos\r\n\r\n",
    "long": b"Subject: long\n\n" + b"x" * 300_000 + b"\n",
}


def prepare(home: Path, messages: dict[str, bytes], mbox: bytes | None) -> dict[str, str]:
    for part in ("tmp", "new", "cur"):
        (home / "Maildir" / part).mkdir(parents=True)
    for number, (name, content) in enumerate(messages.items()):
        path = home / "Maildir" / ("cur" if number % 2 else "new") / name
        path.write_bytes(content)
        os.utime(path, (PAST + number, PAST + number))
    if mbox is not None:
        (home / "mbox").write_bytes(mbox)
    return {"MAILDIR": str(home / "Maildir"), "MAIL": str(home / "mbox"), "MAILTMP": str(home / "mbox.tmp")}


def left(home: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(home)): (path.stat().st_mode, path.read_bytes())
        for path in home.rglob("*")
        if path.is_file()
    }


def both(tmp_path: Path, messages: dict[str, bytes], mbox: bytes | None, **env: str) -> None:
    results = []
    for program in (ours("maildir2mbox"), qmail_peer("maildir2mbox")):
        home = tmp_path / "home"
        environment = {**prepare(home, messages, mbox), **env}
        results.append((run([program], env=environment, cwd=home), left(home)))
        home.rename(tmp_path / f"done-{len(results)}")
    assert results[0] == results[1]


@pytest.mark.parametrize("mbox", [None, b"", b"From old Thu Jan 01 00:00:00 1970\nold\n\n"])
@pytest.mark.parametrize("name", MESSAGES)
def test_one_message(name: str, mbox: bytes | None, tmp_path: Path) -> None:
    both(tmp_path, {name: MESSAGES[name]}, mbox)


def test_many_in_order(tmp_path: Path) -> None:
    both(tmp_path, MESSAGES, b"old\n")


def test_nothing_to_move_makes_no_mbox(tmp_path: Path) -> None:
    both(tmp_path, {}, None)


def test_abandoned_deliveries_are_removed(tmp_path: Path) -> None:
    for program in (ours("maildir2mbox"), qmail_peer("maildir2mbox")):
        home = tmp_path / Path(program).parent.parent.name
        environment = prepare(home, {}, None)
        (home / "Maildir/tmp/dead").touch()
        os.utime(home / "Maildir/tmp/dead", (PAST, PAST))
        assert run([program], env=environment) == Outcome(0, b"", b"")
        assert left(home) == {}


@pytest.mark.parametrize(
    "env",
    [
        {"MAIL": "nowhere/mbox"},
        {"MAILTMP": "nowhere/tmp"},
        {"MAILDIR": "nowhere"},
        {"MAIL": "/"},
        {"MAILDIR": "/etc"},
    ],
)
def test_what_cannot_be_opened(env: dict[str, str], tmp_path: Path) -> None:
    both(tmp_path, MESSAGES, b"old\n", **env)


@pytest.mark.parametrize("missing", ["MAIL", "MAILTMP", "MAILDIR"])
def test_unset(missing: str, tmp_path: Path) -> None:
    environment = prepare(tmp_path, MESSAGES, None)
    del environment[missing]
    done = run([ours("maildir2mbox")], env=environment)
    assert done == Outcome(111, b"", f"maildir2mbox: fatal: {missing} not set\n".encode())
    assert done == run([qmail_peer("maildir2mbox")], env=environment)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    both(tmp_path, MESSAGES, b"old\n", MAILTMP="/dev/full")


class TestNothingIsLost:
    """Where the original loses something, and ours differs."""

    @pytest.mark.parametrize(
        ("message", "copied"),
        [(b"Subject: x", b"Subject: x\n"), (b"Subject: x\n\nlast words", b"Subject: x\n\nlast words\n")],
    )
    def test_a_last_line_without_newline(self, message: bytes, copied: bytes, tmp_path: Path) -> None:
        environment = prepare(tmp_path, {"cut": message}, None)
        assert run([ours("maildir2mbox")], env=environment) == Outcome(0, b"", b"")
        from_line = b"From XXX Tue Nov 14 22:13:20 2023\n"
        assert (tmp_path / "mbox").read_bytes() == from_line + copied + b"\n"

    def test_an_mbox_without_a_last_newline(self, tmp_path: Path) -> None:
        environment = prepare(tmp_path, {"next": b"Subject: x\n"}, b"From a\nlast words")
        assert run([ours("maildir2mbox")], env=environment) == Outcome(0, b"", b"")
        assert b"last words\nFrom XXX " in (tmp_path / "mbox").read_bytes()

    def test_a_message_that_cannot_be_removed(self, tmp_path: Path) -> None:
        environment = prepare(tmp_path, {"stays": b"Subject: x\n"}, None)
        if os.geteuid() == 0:
            pytest.skip("root may remove anything")
        (tmp_path / "Maildir/new").chmod(0o500)
        done = run([ours("maildir2mbox")], env=environment)
        assert done == Outcome(
            0,
            b"",
            b"maildir2mbox: warning: $MAILDIR/new/stays will be delivered twice; unable to unlink: access denied\n",
        )


def test_waits_for_the_lock_and_reads_what_took_the_place(tmp_path: Path) -> None:
    environment = prepare(tmp_path, {"one": b"Subject: x\n"}, b"old\n")
    with (tmp_path / "mbox").open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        waiting = subprocess.Popen([ours("maildir2mbox")], env={**os.environ, **environment})
        eventually(lambda: processes.waits_for_a_lock(waiting.pid), "it to wait for the lock")
        (tmp_path / "mbox.new").write_bytes(b"new\n")
        (tmp_path / "mbox.new").rename(tmp_path / "mbox")
    assert waiting.wait(TIMEOUT) == 0
    assert (tmp_path / "mbox").read_bytes().startswith(b"new\nFrom XXX ")
