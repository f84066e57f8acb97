"""Mail to another host: qmail-rspawn and qmail-remote, and through control/remotes as nullmailer does it."""

from __future__ import annotations

import os
import pwd
import select
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processes
from bench.cases.load import MILLISECONDS
from bench.figures import OURS, Case, Sample
from bench.table import Section
from bench.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.world import World

SECTION = Section("Mail to another host", "CPU ms each", "each second")

CONCURRENCIES = (1, 20)
# Less than a worker makes before it is replaced: one that nobody waits for is not in the sum.
UNITS = 800
SIZE = 1000
NO_ROUNDS = 3
MESSAGE = b"From: joe@bench.example\nSubject: bench\n\n" + (b"x" * 69 + b"\n") * ((SIZE - 41) // 70)
SENDER, RECIPIENT = b"joe@bench.example", b"carolyn@there.example"
ROUTED = "1 KB by qmail-rspawn, {} at once"
NULL_CLIENT = "1 KB through `control/remotes`, 20 at once, and nullmailer-send"


def cases(world: World) -> Iterator[Case]:
    for concurrency in CONCURRENCIES:
        measure = partial(spawned, world, "smtproutes", ":127.0.0.1:{}", concurrency)
        yield Case(SECTION.title, ROUTED.format(concurrency), measure, NO_ROUNDS)
    yield Case(SECTION.title, NULL_CLIENT, partial(null_client, world), NO_ROUNDS)


@contextmanager
def sink() -> Iterator[int]:
    """Its port."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    pid = processes.start([sys.executable, "-m", "bench.smtpsink"], environ, {1: writing, 2: 2})
    os.close(writing)
    try:
        with open(reading, "rb") as stream:
            yield int(stream.readline())
    finally:
        os.kill(pid, 9)
        processes.wait(pid, 0)


def null_client(world: World, side: str) -> Sample | None:
    if side == OURS:
        return spawned(world, "remotes", "127.0.0.1 smtp port={}", CONCURRENCIES[-1], side)
    return nullmailer(world)


def spawned(world: World, control: str, line: str, concurrency: int, side: str) -> Sample | None:
    """A spawner's life with the deliveries, less one without."""
    program = world.qmail_program(side, "qmail-rspawn")
    if program is None:
        return None
    home = world.home[side]
    message = home / "queue" / "mess" / "0" / "1"
    message.write_bytes(MESSAGE)
    if side != OURS and os.geteuid() == 0:
        os.chown(message, pwd.getpwnam("qmailq").pw_uid, -1)
    units = world.units(UNITS)
    path = home / "control" / control
    environ = world.home_environ(side)
    if side != OURS:
        environ = {**environ, "QMAILREMOTE": str(Path(program).parent / "qmail-remote")}
    try:
        with sink() as port:
            path.write_text(line.format(port) + "\n")
            argv = world.in_home(side, [program])
            idle, _ = _life(argv, environ, 0, concurrency)
            busy, seconds = _life(argv, environ, units, concurrency)
    finally:
        path.unlink()
        message.unlink()
    return Sample((busy - idle) / units * MILLISECONDS, units / seconds)


def _life(argv: Sequence[str], environ: dict[str, str], units: int, concurrency: int) -> tuple[float, float]:
    """CPU of all its processes, and the seconds from the first command to the last report."""
    commands, reports = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    pid = processes.start(argv, environ, {0: commands[0], 1: reports[1], 2: 2})
    os.close(commands[0])
    os.close(reports[1])
    try:
        if not _heard(reports[0]):
            raise processes.Failed(f"{' '.join(argv)}: did not start")
        began = time.perf_counter()
        asked = done = 0
        while asked < min(concurrency, units):
            _ask(commands[1], asked)
            asked += 1
        heard = b""
        while done < units:
            block = _heard(reports[0])
            if not block:
                raise processes.Failed(f"{' '.join(argv)}: ended too soon")
            heard += block
            while b"\0" in heard[1:]:
                number = heard[0]
                text, _, heard = heard[1:].partition(b"\0")
                if not text.startswith(b"K"):
                    raise processes.Failed(f"a delivery failed: {text!r}")
                done += 1
                if asked < units:
                    _ask(commands[1], number)
                    asked += 1
        seconds = time.perf_counter() - began
    finally:
        os.close(commands[1])
        ended = processes.wait(pid, 0)
        os.close(reports[0])
    return ended.cpu, seconds


def _heard(descriptor: int) -> bytes:
    ready, _, _ = select.select([descriptor], [], [], processes.PATIENCE)
    return os.read(descriptor, 65536) if ready else b""


def _ask(descriptor: int, number: int) -> None:
    os.write(descriptor, b"%c0/1\0%b\0%b\0" % (number, SENDER, RECIPIENT))


def nullmailer(world: World) -> Sample | None:
    """nullmailer-send, once through a queue. It sends one message after the other."""
    originals = Path(os.environ.get("ORIGINALS", ROOT / ".originals"))
    program = originals / "usr/sbin/nullmailer-send"
    if not program.exists():
        return None
    prefix = world.scratch / "nullmailer"
    for name in ("conf", "protocols", "queue/queue", "queue/failed", "queue/tmp"):
        (prefix / name).mkdir(parents=True, exist_ok=True)
    trigger, protocol = prefix / "queue/trigger", prefix / "protocols/smtp"
    if not trigger.exists():
        os.mkfifo(trigger)
        protocol.symlink_to(originals / "usr/lib/nullmailer/smtp")
    (prefix / "conf/me").write_text("bench.example\n")
    (prefix / "conf/pausetime").write_text("0\n")
    environ = {**world.environ, "NULLMAILER_TEST_PREFIX": str(prefix)}
    units = world.units(UNITS)
    with sink() as port:
        (prefix / "conf/remotes").write_text(f"127.0.0.1 smtp port={port}\n")
        for number in range(units):
            envelope = SENDER + b"\n" + RECIPIENT + b"\n\n"
            (prefix / "queue/queue" / str(number)).write_bytes(envelope + MESSAGE)
        ended = processes.run([str(program)], environ)
    if any((prefix / "queue/queue").iterdir()):
        raise processes.Failed("nullmailer-send left messages behind")
    return Sample(ended.cpu / units * MILLISECONDS, units / ended.seconds)
