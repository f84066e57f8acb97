"""A qmail home with a queue and users, in which qmail-lspawn delivers as somebody who is not root.

It lies where everybody may look, unlike pytest's own folders: as root, deliveries become another user.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from smarthost.store import spool
from tests.support.run import ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

IS_ROOT = os.geteuid() == 0

# The user of all mail here: no account has that number, and none needs it.
UID = 54321 if IS_ROOT else os.getuid()
GID = 54322 if IS_ROOT else os.getgid()

MESSAGE = b"Subject: x\n\nbody\n"


class MailHome:
    """`with` removes it. qmail/ is the home, users/NAME are those of users."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="smarthost-test."))
        self.place.chmod(0o755)
        self.qmail = self.place / "qmail"
        for name in ("control", "bin", "users"):
            (self.qmail / name).mkdir(parents=True)
        spool.make_queue(os.fsencode(self.qmail))
        if IS_ROOT:  # as in an installation: root's own queue is a case of its own
            self.give_to(UID, GID)
        self.message(b"0/1", MESSAGE)
        self.env = {"QMAILHOME": str(self.qmail)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever was left running by a delivery may still write here, or tidy up.
        eventually(self._removed, f"{self.place} to be empty")

    def _removed(self) -> bool:
        shutil.rmtree(self.place, ignore_errors=True)
        return not self.place.exists()

    def message(self, name: bytes, content: bytes) -> None:
        mess = self.qmail / "queue/mess"
        (mess / os.fsdecode(name)).write_bytes(content)
        os.chown(mess / os.fsdecode(name), mess.stat().st_uid, mess.stat().st_gid)

    def give_to(self, uid: int, gid: int) -> None:
        """Let the queue belong to that account, as it belongs to qmailq where qmail was installed."""
        for path in [self.qmail / "queue", *(self.qmail / "queue").rglob("*")]:
            os.chown(path, uid, gid)

    def user(self, name: str, content: Mapping[str, bytes], uid: int = UID, gid: int = GID) -> Path:
        """A user's home with these files."""
        home = self.place / "users" / name
        home.mkdir(parents=True, exist_ok=True)
        for part in ("Maildir/tmp", "Maildir/new", "Maildir/cur"):
            (home / part).mkdir(parents=True, exist_ok=True)
        for file, text in content.items():
            (home / file).write_bytes(text)
            (home / file).chmod(0o644)
        if IS_ROOT:
            for path in [home, *home.rglob("*")]:
                os.chown(path, uid, gid)
        return home

    def assign(self, *lines: str) -> None:
        """users/assign, compiled. USER stands for the numbers of the user here, PLACE for where users live."""
        text = "".join(f"{line}\n" for line in [*lines, "."])
        text = text.replace("USER", f"{UID}:{GID}").replace("PLACE", str(self.place / "users"))
        (self.qmail / "users/assign").write_text(text)
        done = run([ours("qmail-newu")], env=self.env)
        assert (done.status, done.stderr) == (0, b"")

    def program(self, name: str, script: str) -> None:
        """A program of somebody else's in bin/."""
        (self.qmail / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.qmail / "bin" / name).chmod(0o755)
