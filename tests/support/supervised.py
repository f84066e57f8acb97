"""Service directories: some that only look supervised, and one under a supervise, the C one or ours."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smarthost.formats import status, tai64
from tests.support.originals import original
from tests.support.run import TIMEOUT
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# It writes down each signal that can be caught, and ends with TERM.
RUN = f"""#!{sys.executable} -IS
import os, signal
caught = [signal.SIGHUP, signal.SIGALRM, signal.SIGINT, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, caught)
got = os.open("got", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(got, b"start ")
while True:
    number = signal.sigwait(caught)
    os.write(got, signal.Signals(number).name.encode() + b" ")
    if number == signal.SIGTERM:
        break
"""


def make_service(directory: Path, run: str = RUN, *, down: bool = False) -> Path:
    directory.mkdir()
    (directory / "run").write_text(run)
    (directory / "run").chmod(0o755)
    if down:
        (directory / "down").touch()
    return directory


class Double:
    """What a client sees of a supervised service, and what it said to it."""

    def __init__(self, directory: Path) -> None:
        supervise = directory / "supervise"
        supervise.mkdir(parents=True)
        self.status = supervise / "status"
        self._descriptors = []
        for name in ("ok", "control"):
            os.mkfifo(supervise / name)
            self._descriptors.append(os.open(supervise / name, os.O_RDONLY | os.O_NONBLOCK))

    def heard(self) -> bytes:
        """The commands since it was last asked."""
        try:
            return os.read(self._descriptors[1], 65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """As when whoever supervised is gone: nobody reads the fifos."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


@contextmanager
def double(directory: Path, data: bytes | None = None) -> Iterator[Double]:
    made = Double(directory)
    if data is not None:
        made.status.write_bytes(data)
    try:
        yield made
    finally:
        made.close()


class Supervised:
    """A service under a supervise: the original, or another program of that name."""

    def __init__(self, directory: Path, program: str | None = None) -> None:
        self.directory = directory
        self.stderr = directory.parent / f"{directory.name}.stderr"
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [program or original("supervise"), directory.name], cwd=directory.parent, stderr=stderr
            )
        try:
            eventually(self.attended)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def attended(self) -> bool:
        """Whether it has the service in its hands."""
        assert self.process.poll() is None, self.stderr.read_text()
        try:
            os.close(os.open(self.directory / "supervise" / "ok", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def status(self) -> status.Status:
        return status.unpack((self.directory / "supervise" / "status").read_bytes())

    def since(self) -> int:
        """The second of the last change, since 1970."""
        return self.status().since - tai64.EPOCH

    def got(self) -> list[str]:
        """What the service wrote down."""
        file = self.directory / "got"
        return file.read_text().split() if file.exists() else []

    def started(self) -> int:
        """Wait until the service is up and hears signals; its process id."""
        count = eventually(lambda: self.got().count("start"))
        assert count
        return eventually(lambda: self.status().pid)

    def end(self) -> None:
        """Have both end, whatever was said to them before."""
        try:
            control = os.open(self.directory / "supervise" / "control", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            pass  # it is about to end
        else:
            try:
                os.write(control, b"dxck")
            except BrokenPipeError:
                pass  # it has ended since
            os.close(control)
        self.process.wait(TIMEOUT)


@contextmanager
def supervised(directory: Path, program: str | None = None) -> Iterator[Supervised]:
    made = Supervised(directory, program)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.end()
