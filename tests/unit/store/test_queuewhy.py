"""What was said last about a recipient.

Not tested: nothing known.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from smarthost.formats.queuefiles import LOCAL, REMOTE
from smarthost.store import queuewhy
from tests.support.stop_at import stop_at

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "why").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "why/457"


def test_a_line_for_each_who_waits(why: Path) -> None:
    queuewhy.deferred(457, LOCAL, b"a@here", b"Over quota.\n")
    queuewhy.deferred(457, REMOTE, b"a@here", b"Connected,\nbut\tno.\r\n")
    queuewhy.deferred(457, LOCAL, b"odd\n@here", b"")
    assert why.read_bytes() == (
        b"local a@here\tOver quota.\nremote a@here\tConnected, but no. \nlocal odd @here\t\n"
    )
    queuewhy.deferred(457, LOCAL, b"a@here", b"still over quota")
    queuewhy.done(457, LOCAL, b"odd\n@here")
    queuewhy.done(457, LOCAL, b"never heard of@here")
    assert why.read_bytes() == b"remote a@here\tConnected, but no. \nlocal a@here\tstill over quota\n"
    queuewhy.done(457, REMOTE, b"a@here")
    queuewhy.done(457, LOCAL, b"a@here")
    assert not why.exists()


def test_it_is_bounded(why: Path) -> None:
    for number in range(queuewhy.RECIPIENTS_LIMIT + 20):
        queuewhy.deferred(457, LOCAL, b"%d@here" % number, b"x" * 10000)
    lines = why.read_bytes().splitlines()
    assert len(lines) == queuewhy.RECIPIENTS_LIMIT
    assert lines[-1] == b"local %d@here\t" % (queuewhy.RECIPIENTS_LIMIT + 19) + b"x" * queuewhy.TEXT_LIMIT
    queuewhy.forget(457)
    queuewhy.forget(457)
    assert list(why.parent.iterdir()) == []


def test_without_its_directory_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    queuewhy.deferred(457, LOCAL, b"a@here", b"no")
    queuewhy.done(457, LOCAL, b"a@here")
    queuewhy.forget(457)
    assert list(tmp_path.iterdir()) == []


def test_no_failure_is_told(why: Path) -> None:
    queuewhy.deferred(457, LOCAL, b"a@here", b"first")
    for number in range(3):
        with stop_at(number, errno.ENOSPC):
            queuewhy.deferred(457, LOCAL, b"a@here", b"second")
        assert why.read_bytes() == b"local a@here\tfirst\n"
    why.unlink()
    why.mkdir()
    queuewhy.deferred(457, LOCAL, b"a@here", b"third")
    queuewhy.done(457, LOCAL, b"a@here")
    assert [path.name for path in why.parent.iterdir()] == ["457"]
