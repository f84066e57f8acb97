"""qmail-queue where it may not write into the queue, or is root's, and a null client's envelopes.

Not tested: a system where root may not become somebody else.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import qmail_queue
from smarthost.unix import identity, process
from tests.support.homes import make_home, messages, queued
from tests.support.run import TIMEOUT, ours, run

if TYPE_CHECKING:
    from pathlib import Path

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
OWNER = 54321
MESSAGE = b"Subject: x\n\nhello\n"
ENVELOPE = b"Fjoe@me.example\0Troot@me.example\0Tann@example.org\0\0"


def queue(home: Path) -> int:
    (home / "envelope").write_bytes(ENVELOPE)
    with (home / "envelope").open("rb") as envelope:
        return subprocess.run(
            [ours("qmail-queue")],
            input=MESSAGE,
            stdout=envelope,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "QMAILHOME": str(home)},
            timeout=TIMEOUT,
            check=False,
        ).returncode


def give(home: Path, owner: int) -> None:
    """Let the queue be somebody else's, and the home be found by everybody."""
    for path in (home / "queue").rglob("*"):
        os.chown(path, owner, owner)
    os.chown(home / "queue", owner, owner)
    for directory in (home, *home.parents):
        if directory != directory.parent:
            directory.chmod(directory.stat().st_mode | 0o011)


@AS_ROOT
def test_what_root_sends_is_the_queues_owners(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    give(home, OWNER)
    assert queue(home) == 0
    [(message, envelope)] = messages(home)
    assert message.startswith(b"Received: (qmail ")
    assert b" invoked by uid 0)" in message
    assert envelope.startswith(b"u0\0")
    for name in queued(home):
        assert (home / "queue" / name).stat().st_uid == OWNER


@AS_ROOT
def test_inject_by_root_leaves_them_to_qmail_queue(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "bin/qmail-queue").symlink_to(ours("qmail-queue"))
    give(home, OWNER)
    done = run([ours("qmail-inject"), "ann@example.org"], b"\nx\n", env={"QMAILHOME": str(home)})
    assert (done.status, done.stderr) == (0, b"")
    [name] = [name for name in queued(home) if name.startswith("todo/")]
    assert (home / "queue" / name).stat().st_uid == OWNER


def queue_as(home: Path, uid: int, **environment: str) -> int:
    """In a fork, for others may not be able to read the installation that runs this."""
    (home / "envelope").write_bytes(ENVELOPE)
    (home / "message").write_bytes(MESSAGE)
    places = [os.open(home / name, os.O_RDONLY) for name in ("message", "envelope")]

    def child() -> int:
        for place, descriptor in enumerate(places):
            os.dup2(descriptor, place)
        os.environ.update(environment)
        identity.assume(identity.Identity(uid, uid))
        return qmail_queue.queue(os.fsencode(home))

    try:
        return process.wait(process.fork_child(child))
    finally:
        for descriptor in places:
            os.close(descriptor)


@AS_ROOT
def test_others_hand_it_to_who_may(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    give(home, OWNER)
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o777)
    client = home / "bin/qmail-qmqpc"
    client.write_text(
        f'#!/bin/sh\ncat >{kept}/message; cat <&1 >{kept}/envelope; echo "$QMAILHOME" >{kept}/home; exit 73\n'
    )
    client.chmod(0o755)
    assert queue_as(home, OWNER + 1) == 62, "nobody says where to"
    (home / "control/qmqpservers").write_text("/socket\n")
    assert queue_as(home, OWNER + 1, PROTO="UNIX") == 62, "it came from there"
    assert os.listdir(kept) == []
    assert queue_as(home, OWNER + 1) == 73
    assert (kept / "message").read_bytes() == MESSAGE
    assert (kept / "envelope").read_bytes() == ENVELOPE
    assert (kept / "home").read_text() == f"{home}\n"
    assert queue_as(home, OWNER) == 0
    assert len(messages(home)) == 1
    client.unlink()
    (home / "queue").chmod(0o755)  # who may enter, may still not write
    client.write_text("#!/nonexistent\n")
    client.chmod(0o755)
    assert queue_as(home, OWNER + 1) == 63


def test_a_null_clients_envelope(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    for name, content in {
        "remotes": "mail.example.org\n",
        "me": "me.example\n",
        "allmailfrom": " null@example.com \n",
        "adminaddr": "admin@example.com,ops@example.com\n",
    }.items():
        (home / "control" / name).write_text(content)
    assert queue(home) == 0
    [(_, envelope)] = messages(home)
    assert envelope.endswith(b"\0Fnull@example.com\0Tadmin@example.com\0Tops@example.com\0Tann@example.org\0")


def test_a_smart_host_has_other_rules(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "control/me").write_text("me.example\n")
    (home / "control/allmailfrom").write_text("null@example.com\n")
    assert queue(home) == 0
    [(_, envelope)] = messages(home)
    assert envelope.endswith(ENVELOPE[:-1])


def test_a_control_file_that_cannot_be_read(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "control/remotes").touch()
    (home / "control/allmailfrom").mkdir()
    assert queue(home) == 62
    assert messages(home) == []
