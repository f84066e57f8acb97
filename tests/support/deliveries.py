"""qmail-local on a home of the test's own: what it is given, and what it leaves."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.queueprogram import QueueProgram
from tests.support.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MESSAGE = b"Received: by x\nFrom: joe@example.com\n\nFrom here\n>From there\n>>From afar\nthe end\n"

_DATE = re.compile(rb"\b\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4}\n")
_PID = re.compile(rb"qp \d+\n")


@dataclass(frozen=True)
class Address:
    """What stands on the command line, but for the home."""

    local: bytes = b"ann"
    dash: bytes = b""
    ext: bytes = b""
    host: bytes = b"example.org"
    sender: bytes = b"joe@example.com"
    default: bytes = b"./Mailbox"
    user: bytes = b"ann"
    options: tuple[bytes, ...] = ()

    def words(self, home: Path) -> list[str | bytes]:
        return [
            *self.options,
            b"--",
            *(self.user, bytes(home), self.local, self.dash, self.ext, self.host, self.sender, self.default),
        ]

    @property
    def head(self) -> bytes:
        """What goes above a message in a mailbox."""
        return b"Return-Path: <%b>\nDelivered-To: %b@%b\n" % (self.sender, self.local, self.host)


@dataclass(frozen=True)
class Left:
    """What a delivery left. `forwarded`: messages with their envelopes."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    forwarded: list[tuple[bytes, bytes]] = field(default_factory=list)


def make_home(place: Path, content: Mapping[str, bytes], maildirs: tuple[str, ...] = ("Maildir",)) -> Path:
    """A home with these files. A name with `+x`, `+w` at its end gets that mode besides."""
    home = place / "home"
    home.mkdir(mode=0o755, parents=True)
    for maildir in maildirs:
        for part in ("tmp", "new", "cur"):
            (home / maildir / part).mkdir(parents=True)
    for named, text in content.items():
        name, _, mode = named.partition("+")
        file = home / name
        file.write_bytes(text)
        file.chmod({"": 0o644, "x": 0o755, "w": 0o666, "none": 0o000}[mode])
    return home


def undated(text: bytes) -> bytes:
    return _DATE.sub(b"DATE\n", text)


def found(home: Path, known: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that were not there before, or are another now. Names in a maildir are numbered."""
    files = {}
    messages: dict[Path, int] = {}
    names = {name.partition("+")[0]: text for name, text in known.items()}
    for path in sorted(home.rglob("*")):
        if not path.is_file() or not os.access(path, os.R_OK):
            continue
        name = str(path.relative_to(home))
        if path.parent.name in ("new", "tmp", "cur"):
            messages[path.parent] = messages.get(path.parent, 0) + 1
            name = str(path.parent.relative_to(home) / str(messages[path.parent]))
        text = undated(path.read_bytes())
        if names.get(name) != text:
            files[name] = text
    return files


def deliver(
    program: str | bytes | Sequence[str | bytes],
    place: Path,
    content: Mapping[str, bytes],
    address: Address,
    message: bytes = MESSAGE,
    *,
    then: str = "",
    maildirs: tuple[str, ...] = ("Maildir",),
    env: Mapping[str, str] | None = None,
) -> Left:
    """Run it once in a home that is made for it. `then`: what the queue program does besides keeping."""
    home = make_home(place, content, maildirs)
    queue = QueueProgram(place, then)
    (place / "message").write_bytes(message)
    (place / "qmail/control").mkdir(parents=True)
    environment = {
        "QMAILHOME": str(place / "qmail"),
        "QMAILQUEUE": queue.path,
        "PATH": os.environ["PATH"],
        **(env or {}),
    }
    argv = [program] if isinstance(program, str | bytes) else program
    # By the shell: a test's standard input is a pipe, and this must be a file.
    done = run(
        ["sh", "-c", 'exec "$@" <"$0"', str(place / "message"), *argv, *address.words(home)], env=environment
    )
    return Left(
        done.status,
        undated(_PID.sub(b"qp PID\n", done.stdout.replace(bytes(home), b"HOME"))),
        done.stderr.replace(bytes(home), b"HOME"),
        found(home, content),
        queue.kept(),
    )
