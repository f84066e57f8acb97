"""What a mini-qmail home says about itself. Not tested: nothing known."""

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.policy.minihome import plan

WORDS = [b"mail.example.com", b"example.com", b"example.org", b"null.example.com", b"192.168.1.4"]


def test_five_words_five_files() -> None:
    assert [(file.name, file.content) for file in plan(WORDS)] == [
        (b"me", b"mail.example.com\n"),
        (b"defaultdomain", b"example.com\n"),
        (b"plusdomain", b"example.org\n"),
        (b"idhost", b"null.example.com\n"),
        (b"qmqpservers", b"192.168.1.4\n"),
    ]


def test_every_further_word_is_a_server() -> None:
    servers = plan([*WORDS, b"tls:second.example.com:700", b"/run/qmqp.sock"])[-1]
    assert servers.content == b"192.168.1.4\ntls:second.example.com:700\n/run/qmqp.sock\n"
    assert servers.announcement == (
        b"Putting 192.168.1.4 into control/qmqpservers. . .\n"
        b"Putting tls:second.example.com:700 into control/qmqpservers. . .\n"
        b"Putting /run/qmqp.sock into control/qmqpservers. . .\n"
    )


@pytest.mark.parametrize("count", range(5))
def test_too_few_words(count: int) -> None:
    with pytest.raises(FormatError, match=r"^$"):
        plan(WORDS[:count])


@pytest.mark.parametrize("bad", [b"", b"two words", b"line\n", b"nul\0", b"\xff"])
@pytest.mark.parametrize("place", range(5))
def test_a_word_that_is_no_name(place: int, bad: bytes) -> None:
    with pytest.raises(FormatError, match=r" is not a host or domain name$"):
        plan([*WORDS[:place], bad, *WORDS[place + 1 :]])


def test_a_word_that_is_no_server() -> None:
    with pytest.raises(FormatError, match=r"^'192.168.1.4:x' is not a QMQP server: bad port$"):
        plan([*WORDS, b"192.168.1.4:x"])
