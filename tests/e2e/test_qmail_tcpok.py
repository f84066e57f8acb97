"""qmail-tcpok where there is nothing to be cleared; what it clears is compared with the original's elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.homes import make_home
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_table_is_zeros_after(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    table = home / "queue/lock/tcpto"
    table.write_bytes(b"x" * 1024)
    assert run([ours("qmail-tcpok")], env={"QMAILHOME": str(home)}) == Outcome(0, b"", b"")
    assert table.read_bytes() == bytes(1024)


def test_no_home_no_queue(tmp_path: Path) -> None:
    home = tmp_path / "none"
    for there, missing in ((tmp_path, home), (home, home / "queue/lock")):
        home.mkdir() if there == home else None
        done = run([ours("qmail-tcpok")], env={"QMAILHOME": str(home)})
        words = f"qmail-tcpok: fatal: unable to chdir to {missing}: file does not exist\n"
        assert done == Outcome(111, b"", words.encode())
    shown = run([ours("qmail-tcpto")], env={"QMAILHOME": str(home)})
    assert shown == Outcome(111, b"fatal: unable to chdir: file does not exist\n", b"")
