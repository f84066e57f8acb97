"""multilog killed with -9 under load: every line that went into the pipe is in the log afterwards.

As under a supervisor, a third process holds the pipe. A line may come twice, and the last one before a
kill may be cut where it was first written, as it comes again whole.
"""

from __future__ import annotations

import os
import random
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.logs import lines
from tests.support.run import TIMEOUT, ours
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

LINES = 300_000


def produce(fifo: Path, chance: random.Random, written: list[int]) -> None:
    """Numbered lines: some long, some in pieces, many of them at once."""
    descriptor = os.open(fifo, os.O_WRONLY)
    number = 0
    while number < LINES:
        count = chance.choice([1, 2, 50, 2000])
        text = b"".join(
            b"line %08d %s\n" % (number + more, b"x" * chance.randrange(1500 if more == 0 else 100))
            for more in range(count)
        )
        number += count
        while text:
            text = text[os.write(descriptor, text[: chance.choice([10, 4096, 100_000, 100_000])]) :]
    os.write(descriptor, b"line of the end\n")
    os.close(descriptor)
    written.append(number)


def ends(main: Path) -> bool:
    """Whether the last line is there. A file that is turned into an old one has no name for a moment."""
    try:
        return b"line of the end" in lines(main)
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("script", [["s100000"], ["-*", "+line*", "s30000"]], ids=["all", "pattern"])
def test_no_line_is_lost(tmp_path: Path, script: list[str]) -> None:
    chance = random.Random(1)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    written: list[int] = []
    producer = threading.Thread(target=produce, args=(fifo, random.Random(2), written))
    main = tmp_path / "main"
    kills = 0

    def logger() -> subprocess.Popen[bytes]:
        with fifo.open("rb") as source:
            return subprocess.Popen(
                [ours("multilog"), *script, "n1000000", "./main"], stdin=source, cwd=tmp_path
            )

    producer.start()
    while producer.is_alive():
        with logger() as child:
            producer.join(0.1 + chance.random() * 0.2)
            child.kill()
        kills += 1
    producer.join()
    with logger() as child:
        try:
            eventually(lambda: ends(main), "the last line")
            os.close(held)  # nobody can write any more
            assert child.wait(TIMEOUT) == 0
        finally:
            child.kill()
    seen = {line.split()[1] for line in lines(main) if line.startswith(b"line ") and len(line) >= 14}
    missing = [number for number in range(written[0]) if b"%08d" % number not in seen]
    assert kills > 1
    assert missing == []
