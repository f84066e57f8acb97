from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.policy import smtpsession
from smarthost.policy.smtpsession import GO_AHEAD, GOODBYE, OK, Session


def session(*lines: bytes, databytes: int = 0) -> Session:
    begun = Session(b"host", databytes)
    for line in lines:
        assert begun.answer(line + b"\r\n").startswith((b"25", b"354")), line
    return begun


def test_greetings() -> None:
    assert session().greeting() == b"220 host ESMTP"
    assert session().answer(b"helo x\r\n") == b"250 host"
    assert (
        session(databytes=10).answer(b"EHLO\n")
        == b"250-host\r\n250-PIPELINING\r\n250-SIZE 10\r\n250 8BITMIME"
    )


def test_a_message() -> None:
    begun = session(b"MAIL FROM:<a@b> SIZE=5 BODY=8BITMIME", b"RCPT TO:<c@d>", b"rcpt to: e@f")
    assert (begun.sender, begun.recipients) == (b"a@b", [b"c@d", b"e@f"])
    assert begun.answer(b"DATA\r\n") == GO_AHEAD


def test_a_bounce() -> None:
    assert session(b"MAIL FROM:<>").sender == b""


@pytest.mark.parametrize("line", [b"RSET", b"EHLO again", b"HELO again", b"MAIL FROM:<x@y>"])
def test_what_begins_anew(line: bytes) -> None:
    assert session(b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", line).recipients == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"NOOP", b"250"),
        (b"VRFY joe", b"252"),
        (b"HELP", b"214"),
        (b"AUTH PLAIN", b"502"),
        (b"", b"502"),
        (b"\xff", b"502"),
        (b" QUIT ", b"221"),
        (b"RCPT TO:<a>", b"503"),
        (b"DATA", b"503"),
    ],
)
def test_other_commands(line: bytes, code: bytes) -> None:
    assert session().answer(line + b"\r\n").startswith(code)


def test_the_end() -> None:
    assert session().answer(b"quit\n") == GOODBYE


def test_data_wants_a_recipient() -> None:
    assert session(b"MAIL FROM:<a@b>").answer(b"DATA\r\n").startswith(b"503")


@pytest.mark.parametrize(
    "line", [b"MAIL", b"MAIL <a@b>", b"MAIL FROM:", b"MAIL FROM:<a@b", b"MAIL FROM:<a@b> SIZE=x"]
)
def test_what_is_no_sender(line: bytes) -> None:
    assert session().answer(line).startswith(b"555")


@pytest.mark.parametrize("line", [b"RCPT TO:<>", b"RCPT TO:", b"RCPT <a>", b"RCPT TO:<a\tb>"])
def test_what_is_no_recipient(line: bytes) -> None:
    assert session(b"MAIL FROM:<a@b>").answer(line).startswith(b"555")


class TestLimits:
    def test_the_announced_size(self) -> None:
        assert session(databytes=10).answer(b"MAIL FROM:<a> SIZE=10") == OK
        assert session(databytes=10).answer(b"MAIL FROM:<a> SIZE=11") == smtpsession.TOO_BIG
        assert session().answer(b"MAIL FROM:<a> SIZE=11") == OK

    def test_the_length_of_an_address(self) -> None:
        longest = b"x" * smtpsession.ADDRESS_LIMIT
        assert session().answer(b"MAIL FROM:<%s>" % longest) == OK
        assert session().answer(b"MAIL FROM:<%sx>" % longest).startswith(b"553")
        begun = session(b"MAIL FROM:<a>")
        assert begun.answer(b"RCPT TO:<%s>" % longest) == OK
        assert begun.answer(b"RCPT TO:<%sx>" % longest).startswith(b"553")

    def test_the_number_of_recipients(self) -> None:
        begun = session(b"MAIL FROM:<a>", *[b"RCPT TO:<b>"] * smtpsession.RECIPIENTS_LIMIT)
        assert begun.answer(b"RCPT TO:<b>").startswith(b"452")
        assert len(begun.recipients) == smtpsession.RECIPIENTS_LIMIT


@pytest.mark.parametrize(
    ("argument", "address", "parameters"),
    [
        (b"FROM:<a@b>", b"a@b", []),
        (b"from: <a@b> X=1 Y", b"a@b", [b"X=1", b"Y"]),
        (b"FROM:a@b X", b"a@b", [b"X"]),
        (b'FROM:<"a > b"@c>', b"a > b@c", []),
        (b'FROM:<"a\\">"@c>', b'a">@c', []),
        (b"FROM:<@r,@s:a@b>", b"a@b", []),
        (b"FROM:<a@[1.2.3.4]>", b"a@[1.2.3.4]", []),
        (b"FROM:<>", b"", []),
        (b"FROM:<a b@c>", b"a b@c", []),
        (b'FROM:"a b"@c X', b"a b@c", [b"X"]),
    ],
)
def test_paths(argument: bytes, address: bytes, parameters: list[bytes]) -> None:
    assert smtpsession.path(argument, b"FROM:") == (address, parameters)


@pytest.mark.parametrize("argument", [b"FROM:<a\\", b'FROM:<"a>', b"FROM:<a\x00b>", b"FROM:<a\x7f>"])
def test_no_paths(argument: bytes) -> None:
    with pytest.raises(FormatError):
        smtpsession.path(argument, b"FROM:")


@pytest.mark.parametrize(
    ("parameters", "size"), [([], 0), ([b"BODY=8BITMIME"], 0), ([b"A", b"size=12"], 12), ([b"SIZE=0"], 0)]
)
def test_size(parameters: list[bytes], size: int) -> None:
    assert smtpsession.size(parameters) == size


@pytest.mark.parametrize("parameter", [b"SIZE", b"SIZE=", b"SIZE=-1", b"SIZE=" + b"1" * 21])
def test_no_size(parameter: bytes) -> None:
    with pytest.raises(FormatError):
        smtpsession.size([parameter])


@pytest.mark.parametrize(
    ("status", "words", "reply"),
    [
        (0, b"", b"250 ok"),
        (100, b"qmail-inject: fatal: mail server said no (#5.3.0)\n", b"554 mail server said no (#5.3.0)"),
        (111, b"qmail-inject: fatal: qq crashed (#4.3.0)\n", b"451 qq crashed (#4.3.0)"),
        (100, b"qmail-inject: fatal: unable to parse:\nFrom: \xe9(\n", b"554 unable to parse:From: ("),
        (-9, b"", b"451 unable to send the message"),
    ],
)
def test_outcomes(status: int, words: bytes, reply: bytes) -> None:
    assert smtpsession.outcome(status, words) == reply
