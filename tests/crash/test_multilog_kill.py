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


class Producer(threading.Thread):
    """Numbered lines: some long, some in pieces, many of them at once.

    A daemon: it may wait for ever when a test has failed.
    """

    def __init__(self, fifo: Path, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.number = 0
        self.written = 0  # bytes
        self._fifo = fifo
        self._chance = chance

    def run(self) -> None:
        chance = self._chance
        with open(self._fifo, "wb", 0) as pipe:
            while self.number < LINES:
                count = chance.choice([1, 2, 50, 2000])
                text = b"".join(
                    b"line %08d %s\n"
                    % (self.number + more, b"x" * chance.randrange(1500 if more == 0 else 100))
                    for more in range(count)
                )
                self.number += count
                while text:
                    size = pipe.write(text[: chance.choice([10, 4096, 100_000, 100_000])])
                    self.written += size
                    text = text[size:]
            pipe.write(b"line of the end\n")


def ends(main: Path) -> bool:
    """Whether the last line is there."""
    return b"line of the end" in lines(main)


@pytest.mark.slow
@pytest.mark.parametrize("script", [["s100000"], ["-*", "+line*", "s30000"]], ids=["all", "pattern"])
def test_no_line_is_lost(tmp_path: Path, script: list[str]) -> None:
    chance = random.Random(1)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    producer = Producer(fifo, random.Random(2))
    main = tmp_path / "main"
    kills = 0

    def logger() -> subprocess.Popen[bytes]:
        with fifo.open("rb") as source:
            return subprocess.Popen(
                [ours("multilog"), *script, "n1000000", "./main"], stdin=source, cwd=tmp_path
            )

    producer.start()
    while producer.is_alive():
        # Killed at work, and not at its start, however long that takes: the pipe holds less than this.
        enough = producer.written + chance.randrange(100_000, 5_000_000)
        with logger() as child:
            try:
                eventually(
                    lambda enough=enough: producer.written >= enough or not producer.is_alive(),  # type: ignore[misc]
                    "lines to be taken",
                )
            finally:
                child.kill()
        kills += 1
    with logger() as child:
        try:
            eventually(lambda: ends(main), "the last line")
            os.close(held)  # nobody can write any more
            assert child.wait(TIMEOUT) == 0
        finally:
            child.kill()
    seen = {line.split()[1] for line in lines(main) if line.startswith(b"line ") and len(line) >= 14}
    missing = [number for number in range(producer.number) if b"%08d" % number not in seen]
    assert kills > 1
    assert missing == []
