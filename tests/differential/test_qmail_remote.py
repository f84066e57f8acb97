"""Our qmail-remote and the original with the same servers: what they report, and what the server is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import remote as support
from tests.support.peerhome import peer_in_home
from tests.support.remote import home_of, set_controls
from tests.support.run import ours, run
from tests.support.smtpserver import Server, hang, hang_up, then_hang_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# These servers always answer, sooner or later: nobody waits that long.
LONG = {"timeoutremote": "50", "timeoutconnect": "50"}

Outcome = tuple[list[bytes], list[bytes], list[bytes]]


def both(
    tmp_path: Path, replies: Mapping[str, Any], *recipients: str, **named: Any
) -> tuple[Outcome, Outcome]:
    """Reports, commands and messages: ours, the original's."""
    found = []
    for which in (support.remote, support.original):
        copied = {step: list(reply) if isinstance(reply, list) else reply for step, reply in replies.items()}
        with Server(copied) as server:
            home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}", **LONG)
            reports = which(home, *recipients, **named)
        # Ours says EHLO first; these servers know no such thing.
        commands = [command for command in server.commands if not command.startswith(b"EHLO")]
        found.append((reports, commands, server.messages))
    return found[0], found[1]


def same(tmp_path: Path, replies: Mapping[str, Any], *recipients: str, **named: Any) -> Outcome:
    mine, original = both(tmp_path, replies, *recipients, **named)
    assert mine == original
    return mine


WORDS: dict[str, tuple[dict[str, Any], bytes]] = {
    "accepted": ({}, b"rK"),
    "of several lines": (
        {
            "greeting": b"220-one\r\n220-two\r\n220 three\r\n",
            "dot": b"250-yes\r\n250-I\r\n250 do\r\n",
            "MAIL": b"250-x\r\n250\r\n",
        },
        b"rK",
    ),
    "lines that end in newlines": (dict.fromkeys(("HELO", "MAIL", "RCPT", "dot"), b"250 ok\n"), b"rK"),
    "greeting says no": ({"greeting": b"554 go away\r\n"}, b"Z"),
    "greeting says not now": ({"greeting": b"421 busy\r\n"}, b"Z"),
    "greeting is another yes": ({"greeting": b"250 hello\r\n"}, b"Z"),
    "name refused": ({"HELO": b"550 I do not like your name\r\n"}, b"Z"),
    "sender refused": ({"MAIL": b"553-no\r\n553 such sender (#5.1.7)\r\n"}, b"D"),
    "sender not now": ({"MAIL": b"451 greylisted\r\n"}, b"Z"),
    "recipient refused": ({"RCPT": b"550 no such user\r\n"}, b"hD"),
    "recipient not now": ({"RCPT": b"450 mailbox busy\r\n"}, b"sD"),
    "DATA refused": ({"DATA": b"554 no valid recipients\r\n"}, b"rD"),
    "DATA not now": ({"DATA": b"451 no room\r\n"}, b"rZ"),
    "message refused": ({"dot": b"554 spam\r\n"}, b"rD"),
    "message not now": ({"dot": b"452 disk full\r\n"}, b"rZ"),
    "zero bytes in a reply": ({"MAIL": b"550 a\0b\0\r\n"}, b"D"),
    "high bytes in a reply": ({"MAIL": b"550 gr\xfc\xdfe\r\n"}, b"D"),
    "carriage returns in a reply": ({"MAIL": b"550 a\rb\r\r\n"}, b"D"),
    "a reply longer than is kept": (
        {"MAIL": b"".join(b"550-%d\r\n" % n for n in range(3000)) + b"550 end\r\n"},
        b"D",
    ),
    "a line longer than is kept": ({"MAIL": b"550 " + b"x" * 20000 + b"\r\n"}, b"D"),
    "dropped at once": ({"greeting": hang_up}, b"Z"),
    "dropped in the greeting": ({"greeting": then_hang_up(b"220 hel")}, b"Z"),
    "dropped after HELO": ({"HELO": hang_up}, b"Z"),
    "dropped after MAIL": ({"MAIL": hang_up}, b"Z"),
    "dropped after RCPT": ({"RCPT": hang_up}, b"Z"),
    "dropped after DATA": ({"DATA": hang_up}, b"rZ"),
    "dropped after the dot": ({"dot": hang_up}, b"rZ"),
    "dropped in the last reply": ({"dot": then_hang_up(b"250-almost\r\n")}, b"rZ"),
    "dropped after a yes": ({"dot": then_hang_up(b"250 ok\r\n")}, b"rK"),
}


@pytest.mark.parametrize("case", WORDS)
def test_words(tmp_path: Path, case: str) -> None:
    replies, letters = WORDS[case]
    reports, _, _ = same(tmp_path, replies)
    assert support.summary(reports) == letters


def test_the_dot_makes_the_difference(tmp_path: Path) -> None:
    reports, _, _ = same(tmp_path, {"dot": hang_up})
    assert reports[-1] == b"ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n"


@pytest.mark.parametrize(
    ("replies", "letters"),
    [
        ([b"250 ok\r\n", b"550 no\r\n", b"450 later\r\n"], b"rhsK"),
        ([b"550 no\r\n", b"450 later\r\n", b"550 no\r\n"], b"hshD"),
        ([b"450 later\r\n", b"250 ok\r\n", b"250 ok\r\n"], b"srrK"),
    ],
)
def test_several_recipients(tmp_path: Path, replies: list[bytes], letters: bytes) -> None:
    reports, commands, _ = same(tmp_path, {"RCPT": replies}, "a@x.example", "b@y.example", "c@z.example")
    assert support.summary(reports) == letters
    assert sum(command.startswith(b"RCPT") for command in commands) == 3


@pytest.mark.slow
@pytest.mark.parametrize("step", ["greeting", "MAIL", "dot"])
def test_a_server_that_falls_silent(tmp_path: Path, step: str) -> None:
    for which in (support.remote, support.original):
        with Server({step: hang}) as server:
            home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}", timeoutremote="4")
            [*_, report] = which(home)
        doubt = b"Possible duplicate! " if step == "dot" else b""
        assert report == b"ZConnected to 127.0.0.1 but connection died. " + doubt + b"(#4.4.2)\n"


ADDRESSES = [
    "plain@there.example",
    "two words@there.example",
    "a@b@there.example",
    'quo"te@there.example',
    "back\\slash@there.example",
    ".dot@there.example",
    "dot.@there.example",
    "do..t@there.example",
    "<angle>@there.example",
    "(round)@there.example",
    "@there.example",
    "nohost",
    "no host",
    "upper@THERE.example",
    "blank@in host",
    "x" * 500 + "@there.example",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_how_addresses_are_written(tmp_path: Path, address: str) -> None:
    _, commands, _ = same(tmp_path, {}, address, sender=address)
    assert [command[:4] for command in commands] == [b"HELO", b"MAIL", b"RCPT", b"DATA", b"QUIT"]


def test_the_empty_sender(tmp_path: Path) -> None:
    _, commands, _ = same(tmp_path, {}, sender="")
    assert commands[1] == b"MAIL FROM:<>"


MESSAGES = [
    b"",
    b"\n",
    b".\n",
    b"..\n",
    b".\n.\n",
    b"a\n.b\n..c\n",
    b"crlf\r\n.dot\r\n",
    b"a\rb\n",
    b"ends in cr\r",
    b"high \xff\x80 bytes and \0\n",
    b"x" * 100_000 + b"\n",
    b".x\n" * 40_000,
    b"y" * 65535 + b"\n.z\n",
    b"y" * 65534 + b"\r\n.z\n",
]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_what_a_message_is_on_the_wire(tmp_path: Path, message: bytes) -> None:
    reports, _, messages = same(tmp_path, {}, message=message)
    assert support.summary(reports) == b"rK"
    assert len(messages) == 1


def test_a_message_without_a_last_newline(tmp_path: Path) -> None:
    reports, _, messages = same(tmp_path, {}, message=b"Subject: x\n\npart of a line")
    assert reports[-1].startswith(b"DSMTP cannot transfer messages with partial final lines.")
    assert messages == []


def test_where_the_original_can_be_made_to_end_a_message_early(tmp_path: Path) -> None:
    """A line of its own in our eyes is not one in its."""
    smuggled = b"a\r.\r\nMAIL FROM:<x>\r\nRCPT TO:<y>\r\nDATA\r\nb\n"
    mine, original = both(tmp_path, {}, message=smuggled)
    assert mine[2] == [b"a\r\n..\r\nMAIL FROM:<x>\r\nRCPT TO:<y>\r\nDATA\r\nb\r\n"]
    assert len(original[2]) == 2


ROUTES = [
    (":127.0.0.1:{port}", True),
    ("there.example:127.0.0.1:{port}", True),
    ("THERE.Example:127.0.0.1:{port}", True),
    ("there.example:[127.0.0.1]:{port}", True),
    (".example:127.0.0.1:{port}", True),
    ("example:127.0.0.1:1\n.example:127.0.0.1:{port}", True),
    ("there.example:127.0.0.1:1\nthere.example:127.0.0.1:{port}", True),
    ("there.example:127.0.0.1:{port}x", True),
    ("# comment\n\nno colon\n:127.0.0.1:{port}", True),
    ("there.example:127.0.0.1:1\n.example:127.0.0.1:{port}", False),
    (":127.0.0.1:0", False),
    (":127.0.0.1:x", False),
]


@pytest.mark.parametrize(("routes", "arrives"), ROUTES)
def test_routes(tmp_path: Path, routes: str, arrives: bool) -> None:
    outcomes = []
    for which in (support.remote, support.original):
        with Server() as server:
            home = home_of(tmp_path, smtproutes=routes.format(port=server.port))
            outcomes.append((which(home), server.connections))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == arrives


def test_an_address_for_a_host(tmp_path: Path) -> None:
    """Nobody listens at port 25 there; and what is ours is not mailed to ourselves."""
    for host in ("127.0.0.1", "[127.0.0.1]", "127.0.000.1", "[383.0.0.1]", "0.0.0.0"):
        found = [which(home_of(tmp_path), host=host) for which in (support.remote, support.original)]
        assert found[0] == found[1]
        assert found[0][0].startswith(b"DSorry. Although I'm listed as a best-preference MX or A")
    found = [which(home_of(tmp_path), host="127.0.0.251") for which in (support.remote, support.original)]
    assert found[0] == found[1] == [b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]


def test_who_we_say_we_are(tmp_path: Path) -> None:
    for controls in ({}, {"helohost": "helo.example \n"}):
        names = []
        for which in (support.remote, support.original):
            with Server() as server:
                home = home_of(tmp_path, smtproutes=f":127.0.0.1:{server.port}", **controls)
                which(home)
            names.append(next(command for command in server.commands if command.startswith(b"HELO")))
        assert names[0] == names[1]


def test_no_name_no_delivery(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    (home / "control" / "me").unlink()
    found = [which(home) for which in (support.remote, support.original)]
    assert found[0] == found[1] == [b"ZUnable to read control files. (#4.3.0)\n"]
    set_controls(home, me="me.example")
    (home / "control" / "smtproutes").mkdir()
    found = [which(home) for which in (support.remote, support.original)]
    assert found[0] == found[1] == [b"ZUnable to read control files. (#4.3.0)\n"]


def test_too_few_words(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    for words in ([], ["host"], ["host", "sender"]):
        mine = run([ours("qmail-remote"), *words], env={"QMAILHOME": str(home)})
        other = run([*peer_in_home("qmail-remote", home), *words])
        assert mine == other
        assert re.match(rb"DI \(qmail-remote\) was invoked improperly", mine.stdout)
