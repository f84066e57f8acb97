"""mailsubj, the original's and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.differential.test_qmail_inject import same_stamps
from tests.support.inject import ENVIRONMENT
from tests.support.originals import qmail_peer
from tests.support.queueprogram import QueueProgram
from tests.support.run import ours, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "arguments",
    [
        ["hello", "joe"],
        ["two words", "joe", "jane@far"],
        ["", "joe"],
        ["a: b (c", "Joe <joe>", "x"],
        ["\xe9", "j"],
    ],
    ids=str,
)
def test_messages_are_alike(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    program = QueueProgram(tmp_path)
    seen = []
    for name in (qmail_peer("mailsubj"), ours("mailsubj")):
        environment = {**ENVIRONMENT, "QMAILHOME": str(tmp_path), "QMAILQUEUE": program.path}
        outcome = run([name, *arguments], b"body\nwithout end", env=environment)
        seen.append((outcome, [(same_stamps(m), envelope) for m, envelope in program.kept()]))
    assert seen[1] == seen[0]
    assert seen[1][0].status == 0


class TestDifferences:
    def test_no_subject(self) -> None:
        outcome = run([ours("mailsubj")])
        assert (outcome.status, outcome.stderr) == (100, b"mailsubj: usage: mailsubj subject recip ...\n")

    def test_nobody(self, tmp_path: Path) -> None:
        outcome = run([ours("mailsubj"), "hello"], env={**ENVIRONMENT, "QMAILHOME": str(tmp_path)})
        assert (outcome.status, outcome.stderr) == (100, b"qmail-inject: fatal: no recipients\n")

    def test_a_crash(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "qmail-inject").write_text("#!/bin/sh\nkill -9 $$\n")
        (tmp_path / "bin" / "qmail-inject").chmod(0o755)
        outcome = run([ours("mailsubj"), "hello", "joe"], env={"QMAILHOME": str(tmp_path)})
        assert (outcome.status, outcome.stderr) == (111, b"mailsubj: fatal: qmail-inject crashed\n")
