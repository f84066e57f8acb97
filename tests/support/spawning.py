"""A spawner as qmail-send sees it: commands in, reports out. It is ended whatever happens."""

from __future__ import annotations

import os
import select
import subprocess
from typing import TYPE_CHECKING, Self

from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType


class Spawning:
    """A running spawner. `with` ends it."""

    def __init__(self, argv: Sequence[str | bytes], env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **env},
            bufsize=0,
        )
        self._heard = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        self.process.wait(PATIENCE)

    def concurrency(self) -> int:
        """The first byte of all."""
        while not self._heard:
            assert self._listen(), "it ended before it said a byte"
        byte, self._heard = self._heard[0], self._heard[1:]
        return byte

    def ask(self, number: int, file: bytes, sender: bytes, recipient: bytes) -> None:
        self.send(b"%c%b\0%b\0%b\0" % (number, file, sender, recipient))

    def send(self, commands: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(commands)

    def report(self) -> tuple[int, bytes]:
        """The next one: number and text."""
        while b"\0" not in self._heard[1:]:
            assert self._listen(), f"it ended, having said {self._heard!r}"
        number = self._heard[0]
        text, _, self._heard = self._heard[1:].partition(b"\0")
        return number, text

    def reports(self, count: int) -> dict[int, bytes]:
        return dict(self.report() for _ in range(count))

    def end(self) -> tuple[int, bytes]:
        """No more commands: how it ends, and what it still says."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        while self._listen():
            pass
        said, self._heard = self._heard, b""
        return self.process.wait(PATIENCE), said

    def stderr(self) -> bytes:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def _listen(self) -> bool:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], PATIENCE)[0], "it says nothing"
        block = self.process.stdout.read(65536)
        self._heard += block
        return bool(block)
