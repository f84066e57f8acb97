"""config-mini, as the walk-through uses it. Not tested: nothing known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

USAGE = b"config-mini: usage: config-mini smarthost domain plusdomain localhostname server ...\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "control").mkdir()
    return tmp_path


def config_mini(home: Path, *words: str | bytes) -> Outcome:
    return run([ours("config-mini"), *words], env={"QMAILHOME": str(home)})


def control(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (home / "control").iterdir()}


def test_the_example_of_the_walk_through(home: Path) -> None:
    done = config_mini(
        home, "mail.example.com", "example.com", "example.com", "null.example.com", "192.168.1.4"
    )
    assert done == Outcome(
        0,
        b"Putting mail.example.com into control/me. . .\n"
        b"Putting example.com into control/defaultdomain. . .\n"
        b"Putting example.com into control/plusdomain. . .\n"
        b"Putting null.example.com into control/idhost. . .\n"
        b"Putting 192.168.1.4 into control/qmqpservers. . .\n",
        b"",
    )
    assert control(home) == {
        "me": "mail.example.com\n",
        "defaultdomain": "example.com\n",
        "plusdomain": "example.com\n",
        "idhost": "null.example.com\n",
        "qmqpservers": "192.168.1.4\n",
    }


def test_a_second_time_replaces(home: Path) -> None:
    assert config_mini(home, "a", "b", "c", "d", "10.0.0.1", "10.0.0.2").status == 0
    assert config_mini(home, "e", "f", "g", "h", "10.0.0.3").status == 0
    assert control(home) == {
        "me": "e\n",
        "defaultdomain": "f\n",
        "plusdomain": "g\n",
        "idhost": "h\n",
        "qmqpservers": "10.0.0.3\n",
    }


def test_too_few_words(home: Path) -> None:
    assert config_mini(home, "a", "b", "c", "d") == Outcome(100, b"", USAGE)
    assert control(home) == {}


def test_words_that_make_no_sense(home: Path) -> None:
    done = config_mini(home, "a", "b", "c", "d", "10.0.0.1", "host:port")
    assert done == Outcome(100, b"", b"config-mini: 'host:port' is not a QMQP server: bad port\n" + USAGE)
    assert control(home) == {}


def test_no_control_directory(tmp_path: Path) -> None:
    done = config_mini(tmp_path, "a", "b", "c", "d", "10.0.0.1")
    assert (done.status, done.stderr) == (
        111,
        f"config-mini: fatal: unable to write {tmp_path}/control/me: file does not exist\n".encode(),
    )
