"""A UCSPI server, ours or the original, on a port of its own choice or a UNIX-domain socket, and its log."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import processes
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Server:
    """A running server. `log` is all it and its children wrote on descriptor 2."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def log(self) -> bytes:
        return self._log.read_bytes()

    def wait_for(self, pattern: bytes, times: int = 1) -> bytes:
        """The log, once the pattern is in it so many times."""
        eventually(lambda: len(re.findall(pattern, self.log)) >= times, f"{pattern!r} in {self.log!r}")
        return self.log

    def wait_for_children(self) -> None:
        """Until nobody is served."""
        eventually(lambda: not processes.children(self.process.pid), "children to end")

    def connect(self, *, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE, (source, 0))

    def talk(self, sent: bytes = b"", *, source: str = "127.0.0.1") -> bytes:
        """Send, say that was all, and read to the end."""
        with self.connect(source=source) as client:
            try:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            received = b""
            try:
                while block := client.recv(65536):
                    received += block
            except ConnectionResetError:
                pass
            return received


@contextmanager
def serving(
    argv: Sequence[str | bytes],
    directory: Path,
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[Server]:
    """Start a server that prints its port (-1) and stop it at the end, with every client it still has."""
    log = _free_name(directory)
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **(env or {})},
            cwd=directory,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.strip().isdigit(), f"no port: {line!r}, {log.read_bytes()!r}"
        yield Server(process, int(line), log)
    finally:
        assert process.stdout is not None
        process.stdout.close()
        _stop(process)


def _free_name(directory: Path) -> Path:
    return directory / f"log-{len(list(directory.glob('log-*')))}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The server, and every client it still has."""
    process.terminate()
    process.wait(PATIENCE)
    processes.kill_group(process.pid)


class UnixServer(Server):
    """One that listens at `path`. Its log is what came on descriptors 1 and 2."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
        super().__init__(process, 0, log)
        self.path = path

    def connect(self, *, source: str = "127.0.0.1") -> socket.socket:
        del source  # clients of this kind have no address
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(str(self.path))
        return client

    def listens(self) -> bool:
        """Whether this server's own socket is there, known from the kernel: to connect would be a client."""
        inodes = set(processes.descriptors(self.process.pid).values())
        # In bytes: others on this machine may call theirs what they like.
        for line in Path("/proc/net/unix").read_bytes().split(b"\n"):
            words = line.split()
            listens = words[3:4] == [b"00010000"] and words[7:] == [os.fsencode(self.path.name)]
            if listens and f"socket:[{words[6].decode()}]" in inodes:
                return True
        assert self.process.poll() is None, self.log
        return False


@contextmanager
def serving_at(
    name: str, argv: Sequence[str | bytes], directory: Path, *, env: Mapping[str, str] | None = None
) -> Iterator[UnixServer]:
    """Start a server whose arguments name the socket `name`, below `directory`; stop it at the end."""
    log = _free_name(directory)
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            cwd=directory,
            start_new_session=True,
        )
    try:
        server = UnixServer(process, directory / name, log)
        eventually(server.listens, f"somebody to listen at {name}")
        yield server
    finally:
        _stop(process)


def anonymous(log: bytes, port: int) -> bytes:
    """A log with what differs from run to run named: pids by order of appearance, ports."""
    names: dict[bytes, bytes] = {}

    def name(found: re.Match[bytes]) -> bytes:
        return found[1] + names.setdefault(found[2], b"PID%d" % len(names))

    log = re.sub(rb"\b((?:pid|ok|deny|end) )(\d+)", name, log)
    log = log.replace(b":%d " % port, b":PORT ")
    return re.sub(rb":\d+$", b":CLIENT", log, flags=re.MULTILINE)
