"""qmail-remote, ours or the original, run once for one message."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.homes import make_home
from tests.support.peerhome import peer_in_home
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MESSAGE = b"From: joe@here.example\nSubject: hello\n\nfirst line\n.a dot\n..two\n\nlast line\n"
# What of it is seen between DATA and the dot.
ON_THE_WIRE = MESSAGE.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")


def home_of(tmp_path: Path, **controls: str) -> Path:
    """A home whose control files have this in them."""
    home = make_home(tmp_path / "home")
    set_controls(home, me="me.example", **controls)
    return home


def set_controls(home: Path, **controls: str) -> None:
    for name, text in controls.items():
        (home / "control" / name).write_text(text + "\n")


def remote(
    home: Path,
    *recipients: str | bytes,
    host: str | bytes = "there.example",
    sender: str | bytes = "joe@here.example",
    message: bytes = MESSAGE,
    env: Mapping[str, str] | None = None,
) -> list[bytes]:
    """The reports of our qmail-remote."""
    argv: list[str | bytes] = [
        ours("qmail-remote"),
        host,
        sender,
        *(recipients or ("carolyn@there.example",)),
    ]
    done = run(argv, message, env={**os.environ, "QMAILHOME": str(home), **(env or {})})
    return _reports(done)


def original(
    home: Path,
    *recipients: str | bytes,
    host: str | bytes = "there.example",
    sender: str | bytes = "joe@here.example",
    message: bytes = MESSAGE,
) -> list[bytes]:
    """The reports of the original."""
    argv: list[str | bytes] = [
        *peer_in_home("qmail-remote", home),
        host,
        sender,
        *(recipients or ("carolyn@there.example",)),
    ]
    return _reports(run(argv, message))


def _reports(done: Outcome) -> list[bytes]:
    assert (done.status, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"\0")
    return done.stdout[:-1].split(b"\0")


def summary(reports: Sequence[bytes]) -> bytes:
    """Their letters alone."""
    return b"".join(report[:1] for report in reports)
