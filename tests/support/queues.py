"""Messages in a queue, put there as qmail-send leaves them after it has looked at them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MESSAGE = b"Received: (qmail 1 invoked by uid 2); 1 Jan 2026 00:00:00 -0000\nSubject: test\n\nHello.\n"


def add_message(
    queue: Path,
    message: bytes = MESSAGE,
    *,
    sender: bytes = b"joe@example.com",
    local: Sequence[bytes] = (),
    remote: Sequence[bytes] = (),
    bounce: bytes | None = None,
    arrived: float | None = None,
) -> int:
    """A message that was looked at; its number. Recipients begin with T, or with D when they are done."""
    mess = queue / "mess"
    split = sum(name.isdigit() for name in os.listdir(mess))
    birth = queue / "pid/born"
    birth.write_bytes(message)
    number = birth.stat().st_ino
    birth.rename(mess / f"{number % split}/{number}")
    for channel, recipients in (("local", local), ("remote", remote)):
        if recipients:
            path = queue / channel / f"{number % split}/{number}"
            path.write_bytes(b"".join(each + b"\0" for each in recipients))
    if bounce is not None:
        (queue / f"bounce/{number}").write_bytes(bounce)
    info = queue / f"info/{number % split}/{number}"
    info.write_bytes(b"F" + sender + b"\0")
    if arrived is not None:
        os.utime(info, (arrived, arrived))
    return number


def add_todo(queue: Path, envelope: bytes, message: bytes = MESSAGE) -> int:
    """A message that nobody has looked at yet; its number."""
    number = add_message(queue, message)
    split = sum(name.isdigit() for name in os.listdir(queue / "mess"))
    (queue / f"info/{number % split}/{number}").unlink()
    for directory in ("intd", "todo"):
        (queue / directory / str(number)).write_bytes(envelope)
    return number
