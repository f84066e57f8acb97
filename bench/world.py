"""What both sides need to run: where their programs are, how they are started, where their files go.

Ours are started as a deployment starts them, by launchers that it writes. The C qmail programs have
their home compiled in; a directory of this run is mounted over it, where only they see it.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from bench.figures import ORIGINAL, OURS
from smarthost.store import launchers, spool

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")

# Reads the message on 0 and the envelope on 1 and exits 0: in one exec, without a shell.
SINK = """#!{awk} -f
END {{ while ((getline line < "/dev/fd/1") > 0); }}
"""
MOUNT = 'mount --rbind "$1/bin" "$2/bin" && mount --rbind "$2" "$1" && shift 2 && exec "$@"'
# Nobody listens there: a client learns so at once.
NO_SERVER = "127.0.0.1:1\n"
# A quick run does so much less.
QUICK = 4
# Neither side's configuration may differ by what the caller happens to have set.
CLEAN = ("QMAILHOME", "QMAILQUEUE", "DNSCACHEIP", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


class World:
    """One run's programs and files, all under `scratch`."""

    def __init__(self, scratch: Path, *, quick: bool) -> None:
        self.scratch = scratch
        self.quick = quick
        self.launchers = scratch / "bin"
        self.home = {side: scratch / f"home-{side}" for side in (OURS, ORIGINAL)}
        peer = os.environ.get("QMAIL_PEER")
        self.peer = Path(peer) if peer else None
        self.environ = {name: value for name, value in os.environ.items() if name not in CLEAN}
        self.environ["PATH"] = f"{self.launchers}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        self._write_launchers()
        for home in self.home.values():
            (home / "bin").mkdir(parents=True)
            (home / "control").mkdir()
            (home / "control" / "me").write_text("bench.example\n")
            (home / "control" / "qmqpservers").write_text(NO_SERVER)
            spool.make_queue(os.fsencode(home))
        (self.home[OURS] / "bin" / "qmail-queue").symlink_to(self.launchers / "qmail-queue")
        self._mountable = self.peer is not None and self._may_mount()
        self._give_queue_to_its_owner()

    def units(self, many: int) -> int:
        """How much work a full run does, cut for a quick one."""
        return max(many // QUICK, 1) if self.quick else many

    def program(self, side: str, name: str) -> str | None:
        """The path of the program, None if this side has none."""
        if side == OURS:
            path = self.launchers / name
            return str(path) if path.exists() else None
        for place in PLACES:
            path = Path(place) / name
            if os.access(path, os.X_OK):
                return str(path)
        return None

    def qmail_program(self, side: str, name: str) -> str | None:
        """As `program`; the original's is the peer's, to be run with `in_home`."""
        if side == OURS:
            return self.program(side, name)
        if self.peer is None or not self._mountable or not (self.peer / "bin" / name).exists():
            return None
        return str(self.peer / "bin" / name)

    def in_home(self, side: str, words: list[str]) -> list[str]:
        """The words that run these in the side's home."""
        if side == OURS:
            return words
        assert self.peer is not None
        unshare = shutil.which("unshare") or "unshare"
        alone = [unshare, "-m"] if os.geteuid() == 0 else [unshare, "-rm"]
        return [*alone, "sh", "-c", MOUNT, "sh", str(self.peer), str(self.home[side]), *words]

    def home_environ(self, side: str) -> dict[str, str]:
        return {**self.environ, "QMAILHOME": str(self.home[side])} if side == OURS else self.environ

    def sink(self) -> str | None:
        """A queue program for both sides that takes everything and keeps nothing."""
        awk = shutil.which("mawk") or shutil.which("awk")
        if awk is None:
            return None
        path = self.scratch / "sink"
        path.write_text(SINK.format(awk=awk))
        path.chmod(0o755)
        return str(path)

    def empty_messages(self, side: str) -> None:
        """Give back the space of what a load left in the queue, but no inode.

        ext4 without a journal passes over every inode that was freed within five seconds, one by one, whenever
        it makes a file: after a cleared queue that is the larger part of what a message costs.
        """
        for part in range(spool.SPLIT):
            for file in (self.home[side] / "queue" / "mess" / str(part)).iterdir():
                os.truncate(file, 0)

    def _write_launchers(self) -> None:
        self.launchers.mkdir(parents=True)
        for name, module in launchers.programs():
            launchers.refresh(bytes(self.launchers) + b"/" + name, module)

    def _give_queue_to_its_owner(self) -> None:
        """The original's qmail-queue is setuid where it was installed as usual: the queue is its user's then."""
        queue_program = self.peer / "bin" / "qmail-queue" if self.peer else None
        if queue_program is None or not queue_program.exists() or os.geteuid() != 0:
            return
        status = queue_program.stat()
        if status.st_mode & stat.S_ISUID:
            queue = self.home[ORIGINAL] / "queue"
            for path in (queue, *queue.rglob("*")):
                os.chown(path, status.st_uid, status.st_gid)

    def _may_mount(self) -> bool:
        words = self.in_home(ORIGINAL, ["true"])
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
