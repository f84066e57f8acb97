"""What elq, pinq and qail are each tested for: maildir2mbox first, then the mail reader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

# Says its name and arguments, then the mailbox: what a mail reader would find.
_READER = '#!/bin/sh\necho "${0##*/}" "$@"\n/bin/cat "$MAIL"\nexit 3\n'


class Contract:
    """`name` is the program, `readers` what it starts, best first."""

    name: str
    readers: tuple[str, ...]

    @pytest.fixture
    def env(self, tmp_path: Path) -> dict[str, str]:
        """A message in a maildir, and a PATH with nothing but the test's own programs."""
        for part in ("tmp", "new", "cur"):
            (tmp_path / "Maildir" / part).mkdir(parents=True)
        (tmp_path / "Maildir/new/1").write_bytes(b"Subject: x\n")
        os.utime(tmp_path / "Maildir/new/1", (0, 0))
        (tmp_path / "bin").mkdir()
        return {
            "PATH": f"{tmp_path}/bin",
            "MAILDIR": str(tmp_path / "Maildir"),
            "MAIL": str(tmp_path / "mbox"),
            "MAILTMP": str(tmp_path / "mbox.tmp"),
        }

    def install(self, tmp_path: Path, name: str, script: str = _READER) -> None:
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)

    def test_the_reader_finds_the_mail(self, env: dict[str, str], tmp_path: Path) -> None:
        for reader in reversed(self.readers):
            (tmp_path / "Maildir/new/1").write_bytes(b"Subject: x\n")
            os.utime(tmp_path / "Maildir/new/1", (0, 0))
            self.install(tmp_path, reader)
            done = run([ours(self.name), "-f", "two words", "--help"], env=env)
            assert done.status == 3
            assert done.stderr == b""
            assert done.stdout.startswith(f"{reader} -f two words --help\nFrom XXX Thu Jan 01 ".encode())
            assert done.stdout.endswith(b"\nSubject: x\n\n")

    def test_without_the_mail_there_is_no_reading(self, env: dict[str, str], tmp_path: Path) -> None:
        self.install(tmp_path, self.readers[0])
        del env["MAILTMP"]
        done = run([ours(self.name)], env=env)
        assert done == Outcome(111, b"", b"maildir2mbox: fatal: MAILTMP not set\n")

    def test_no_reader(self, env: dict[str, str]) -> None:
        line = f"{self.name}: fatal: unable to run {self.readers[0]}: file does not exist\n"
        assert run([ours(self.name)], env=env) == Outcome(111, b"", line.encode())

    def test_the_maildir2mbox_of_the_home_comes_first(self, env: dict[str, str], tmp_path: Path) -> None:
        self.install(tmp_path, "maildir2mbox", "#!/bin/sh\necho the home\nkill -TERM $$\n")
        done = run([ours(self.name)], env={**env, "QMAILHOME": str(tmp_path)})
        assert done == Outcome(128 + 15, b"the home\n", b"")
