"""datemail, the original's and ours: predate and sendmail in one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.differential.test_qmail_inject import same_stamps
from tests.support.inject import ENVIRONMENT
from tests.support.originals import qmail_peer
from tests.support.queueprogram import QueueProgram
from tests.support.run import ours, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("arguments", [["-t"], ["-f", "me@far", "joe"]], ids=" ".join)
def test_messages_are_alike(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    program = QueueProgram(tmp_path)
    seen = []
    for name in (qmail_peer("datemail"), ours("datemail")):
        environment = {**ENVIRONMENT, "QMAILHOME": str(tmp_path), "QMAILQUEUE": program.path, "TZ": "XXX-1"}
        outcome = run([name, *arguments], b"To: joe\n\nbody\n", env=environment)
        [(message, envelope)] = program.kept()
        assert re.search(rb"^Date: \d+ \w+ \d+ [\d:]+ \+0100$", message, re.MULTILINE)
        same = re.sub(rb"Date: \d+ \w+ \d+ [\d:]+ \+0100", b"DATE", same_stamps(message))
        seen.append((outcome, same, envelope))
    assert seen[1] == seen[0]
    assert seen[1][0].status == 0


def test_it_ends_as_sendmail(tmp_path: Path) -> None:
    outcome = run([ours("datemail")], env={"QMAILHOME": str(tmp_path)})
    assert outcome.status == 64
    assert outcome.stderr.startswith(b"sendmail: no recipients\n")
