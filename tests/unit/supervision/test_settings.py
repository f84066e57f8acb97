"""The files of a service's directory beyond daemontools: each value, and what makes no sense."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from smarthost.supervision.settings import Settings, signal_called

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Place:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []
        self.home = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        self.settings = Settings("S", self.home, self.said.append)

    def write(self, file: str, text: str) -> None:
        (self.directory / file).write_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    os.close(made.home)


def test_without_any_file_it_is_as_under_daemontools(place: Place) -> None:
    settings = place.settings
    assert settings.notification() is None
    assert settings.down_signal() == signal.SIGTERM
    assert settings.kill_after() is None
    assert settings.finish_within() == 5.0
    assert settings.depends() == []
    assert settings.pause_cap() is None
    assert not settings.has_finish()
    assert place.said == []


@pytest.mark.parametrize(("text", "seconds"), [("0", None), ("1", 0.001), ("2500\n", 2.5), (" 7 ", 0.007)])
def test_milliseconds(place: Place, text: str, seconds: float | None) -> None:
    place.write("timeout-kill", text)
    place.write("timeout-finish", text)
    assert place.settings.kill_after() == seconds
    assert place.settings.finish_within() == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 60.0), ("\n", 60.0), ("0", 0.0), ("90000", 90.0), ("x", None)]
)
def test_the_cap_of_the_pause(place: Place, text: str, seconds: float | None) -> None:
    place.write("backoff", text)
    assert place.settings.pause_cap() == seconds
    assert len(place.said) == (seconds is None)


@pytest.mark.parametrize("text", ["", "x", "-1", "1 2", "2147483648", "9" * 5000, "1.5", "²"])
def test_no_number(place: Place, text: str) -> None:
    place.write("timeout-kill", text)
    assert place.settings.kill_after() is None
    assert place.said == ["S/timeout-kill is ignored: it is no whole number up to 2147483647"]


@pytest.mark.parametrize(("text", "found"), [("0", 0), ("3\n", 3), ("1023", 1023), ("1024", None)])
def test_a_descriptor(place: Place, text: str, found: int | None) -> None:
    place.write("notification-fd", text)
    assert place.settings.notification() == found


def test_names_one_a_line(place: Place) -> None:
    place.write("depends", "one\n two\n\nthree")
    assert place.settings.depends() == [b"one", b"two", b"three"]


def test_a_finish_that_can_be_run(place: Place) -> None:
    place.write("finish", "")
    (place.directory / "finish").chmod(0o600)
    assert not place.settings.has_finish()
    (place.directory / "finish").chmod(0o700)
    assert place.settings.has_finish()


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (b"TERM", signal.SIGTERM),
        (b"sigint", signal.SIGINT),
        (b"SIGUSR1", signal.SIGUSR1),
        (b"9", signal.SIGKILL),
        (b"0", None),
        (b"999", None),
        (b"99999999999", None),
        (b"SIG", None),
        (b"SIGSIGTERM", None),
        (b"_DFL", None),
        (b"\xff", None),
    ],
)
def test_signals(word: bytes, number: int | None) -> None:
    assert signal_called(word) == number
