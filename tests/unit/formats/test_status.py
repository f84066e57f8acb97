"""supervise/status, against bytes that Debian's supervise wrote."""

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import status, tai64

# Of a service that it started as process 12973 in the second 1795361875 (date +%s), and that was paused.
WRITTEN = bytes.fromhex("400000006b030c5d0835a57cad3200000175")
NOW = 1_000_000 + tai64.EPOCH


def test_what_supervise_wrote() -> None:
    read = status.unpack(WRITTEN)
    assert read.since - tai64.EPOCH == 1795361875
    assert (read.nanoseconds, read.pid, read.paused, read.want) == (137733500, 12973, True, b"u")
    assert status.pack(read) == WRITTEN


@pytest.mark.parametrize("want", [status.WANT_UP, status.WANT_DOWN, status.WANT_NOTHING, b"?"])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("pid", [0, 1, 256, 2**32 - 1])
def test_there_and_back(pid: int, paused: bool, want: bytes) -> None:
    packed = status.pack(status.Status(NOW, 999_999_999, pid, paused=paused, want=want))
    assert len(packed) == status.SIZE
    read = status.unpack(packed + b"more")
    assert (read.since, read.nanoseconds, read.pid) == (NOW, 999_999_999, pid)
    assert (read.paused, read.want) == (paused, want)


@pytest.mark.parametrize("size", [0, 1, 17])
def test_too_few_bytes(size: int) -> None:
    with pytest.raises(FormatError):
        status.unpack(bytes(size))


@pytest.mark.parametrize(
    ("pid", "paused", "want", "normally_up", "words"),
    [
        (7, False, b"u", True, b"up (pid 7) 5 seconds"),
        (7, False, b"u", False, b"up (pid 7) 5 seconds, normally down"),
        (7, True, b"u", True, b"up (pid 7) 5 seconds, paused"),
        (7, False, b"d", True, b"up (pid 7) 5 seconds, want down"),
        (7, True, b"d", False, b"up (pid 7) 5 seconds, normally down, paused, want down"),
        (7, False, b"\0", True, b"up (pid 7) 5 seconds"),
        (0, False, b"u", True, b"down 5 seconds, normally up, want up"),
        (0, True, b"d", True, b"down 5 seconds, normally up"),
        (0, False, b"u", False, b"down 5 seconds, want up"),
        (0, False, b"d", False, b"down 5 seconds"),
        (0, False, b"\0", False, b"down 5 seconds"),
    ],
)
def test_the_words(pid: int, paused: bool, want: bytes, normally_up: bool, words: bytes) -> None:
    known = status.Status(NOW - 5, 0, pid, paused=paused, want=want)
    assert status.describe(known, NOW, normally_up=normally_up) == words


def test_a_moment_that_is_still_to_come_was_just_now() -> None:
    assert (
        status.describe(status.Status(NOW + 5, 0, 0, want=b"d"), NOW, normally_up=False) == b"down 0 seconds"
    )


def test_seconds_beyond_what_a_double_holds() -> None:
    """As the original prints them: of numbers of this size only each 1024th is a double."""
    words = status.describe(status.Status(0, 0, 0, want=b"d"), NOW, normally_up=False)
    assert words == b"down 4611686018428388352 seconds"
