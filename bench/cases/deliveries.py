"""Local deliveries: qmail-lspawn and all it starts, told what to do as qmail-send tells it.

As root both sides deliver to a user that is not root; else only ours can be asked, and delivers to us.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import MILLISECONDS
from bench.figures import OURS, Case, Sample
from bench.table import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.world import World

SECTION = Section("local deliveries", "CPU ms each", "each second")

USER = 54321
MESSAGE = b"Subject: bench\n\n" + b"x" * 984 + b"\n"
FILE = b"0/23"
UNITS = 400
CONCURRENCIES = (1, 10)
THRICE = 3
INSTRUCTIONS = {
    "a maildir": b"./Maildir/\n",
    "an mbox": b"./mbox\n",
    "a program": b"|/bin/true\n",
}


def cases(world: World) -> Iterator[Case]:
    for place, instruction in INSTRUCTIONS.items():
        for concurrency in CONCURRENCIES:
            name = f"1 KB to {place}, {concurrency} at once"
            yield Case(SECTION.title, name, partial(deliveries, world, instruction, concurrency), THRICE)


def deliveries(world: World, instruction: bytes, concurrency: int, side: str) -> Sample | None:
    if side != OURS and os.geteuid() != 0:
        return None
    program = world.qmail_program(side, "qmail-lspawn")
    if program is None:
        return None
    home = world.home[side]
    place = Path(tempfile.mkdtemp(prefix="smarthost-bench."))  # where the user may go
    try:
        assign(world, home, place, instruction)
        message = home / "queue/mess" / os.fsdecode(FILE)
        message.write_bytes(MESSAGE)
        owner = (home / "queue/mess").stat()
        os.chown(message, owner.st_uid, owner.st_gid)
        return run(
            world.in_home(side, [program, "./Maildir/"]),
            world.home_environ(side),
            concurrency,
            world.units(UNITS),
        )
    finally:
        shutil.rmtree(place)


def assign(world: World, home: Path, place: Path, instruction: bytes) -> None:
    """A user with that instruction, who has all mail."""
    uid, gid = (USER, USER) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    for part in ("tmp", "new", "cur"):
        (place / "Maildir" / part).mkdir(parents=True)
    (place / ".qmail").write_bytes(instruction)
    place.chmod(0o755)
    for path in (place, *place.rglob("*")):
        os.chown(path, uid, gid)
    (home / "users").mkdir(exist_ok=True)
    (home / "users/assign").write_text(f"+:user:{uid}:{gid}:{place}:::\n.\n")
    newu = world.program(OURS, "qmail-newu")
    assert newu is not None
    processes.run([newu], {**world.environ, "QMAILHOME": str(home)})


def run(argv: list[str], environ: dict[str, str], concurrency: int, units: int) -> Sample:
    """Raises Failed if one does not succeed."""
    reading, commands = os.pipe2(os.O_CLOEXEC)
    reports, writing = os.pipe2(os.O_CLOEXEC)
    pid = processes.start(argv, environ, {0: reading, 1: writing})
    os.close(reading)
    os.close(writing)
    try:
        os.read(reports, 1)
        began = time.perf_counter()
        for number in range(min(concurrency, units)):
            os.write(commands, command(number))
        asked, heard, rest = min(concurrency, units), 0, b""
        while heard < units:
            block = os.read(reports, 65536)
            if not block:
                raise processes.Failed("qmail-lspawn ended")
            rest += block
            while b"\0" in rest[1:]:
                number, (text, rest) = rest[0], (rest[1:].split(b"\0", 1))
                if not text.startswith(b"K"):
                    raise processes.Failed(os.fsdecode(text))
                heard += 1
                if asked < units:
                    os.write(commands, command(number))
                    asked += 1
        seconds = time.perf_counter() - began
        os.close(commands)
        commands = -1
        ended = processes.wait(pid, 0)
        pid = 0
    finally:
        if commands >= 0:
            os.close(commands)
        os.close(reports)
        if pid:
            processes.end_group(pid)
    return Sample(ended.cpu / units * MILLISECONDS, units / seconds)


def command(number: int) -> bytes:
    return b"%c%b\0sender@bench.example\0user@bench.example\0" % (number, FILE)
