"""A session as a function: replies in, commands and an outcome out. No server, no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats.smtpreply import Reply
from smarthost.policy import remotereport, smtpclient
from smarthost.policy.smtpclient import Session, Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smarthost.policy.remotereport import Outcome

EHLO = "250-mail.example\n250-"


class Held:
    """A session that was held: what was sent, in pieces between replies, and what came of it."""

    def __init__(
        self,
        replies: Sequence[str],
        *,
        recipients: Sequence[bytes] = (b"carolyn@there",),
        sender: bytes = b"joe@here",
        terms: Terms | None = None,
        survey: tuple[int, bool] = (1000, False),
    ) -> None:
        self.session = Session(b"10.0.0.1", sender, recipients, terms or Terms(b"me"))
        self.sent: list[bytes] = []
        self.handshakes = 0
        self.messages = 0
        self.outcome: Outcome | None = None
        self.used: list[str] = []
        left = list(replies)
        steps = self.session.steps()
        pending = b""
        came: object = None
        try:
            while True:
                step = steps.send(came)
                came = None
                if isinstance(step, bytes):
                    pending += step
                elif step == smtpclient.REPLY:
                    if pending:
                        self.sent.append(pending)
                        pending = b""
                    if not left:
                        return
                    text = left.pop(0)
                    came = Reply(int(text[:3]), text.encode() + b"\n")
                elif step == smtpclient.SURVEY:
                    came = survey
                elif step == smtpclient.HANDSHAKE:
                    self.handshakes += 1
                else:
                    self.messages += 1
        except StopIteration as end:
            self.outcome = end.value
        assert not left, "it wanted fewer replies"

    @property
    def output(self) -> bytes:
        assert self.outcome is not None
        return self.outcome.output()


def test_a_server_without_extensions() -> None:
    held = Held(["220 hi", "502 what", "250 hi", "250 ok", "250 ok", "354 go", "250 yes"])
    assert held.sent == [
        b"EHLO me\r\n",
        b"HELO me\r\n",
        b"MAIL FROM:<joe@here>\r\n",
        b"RCPT TO:<carolyn@there>\r\n",
        b"DATA\r\n",
    ]
    assert held.output == b"r\0K10.0.0.1 accepted message.\nRemote host said: 250 yes\n\0"
    assert held.messages == 1


def test_commands_before_their_turn() -> None:
    held = Held(["220 hi", EHLO + "PIPELINING", "250 ok", "250 ok", "354 go", "250 yes"])
    assert held.sent == [b"EHLO me\r\n", b"MAIL FROM:<joe@here>\r\nRCPT TO:<carolyn@there>\r\nDATA\r\n"]
    assert held.messages == 1


def test_not_all_at_once() -> None:
    """Their replies must fit into the buffers."""
    many = [b"%d@there" % number for number in range(120)]
    hello = ["220 hi", EHLO + "PIPELINING"]
    held = Held([*hello, *["250 ok"] * 121, "354 go", "250 yes"], recipients=many)
    assert [piece.count(b"\r\n") for piece in held.sent] == [1, 50, 50, 22]
    assert held.sent[-1].endswith(b"RCPT TO:<119@there>\r\nDATA\r\n")
    assert held.output.startswith(b"r\0" * 120 + b"K")


def test_what_is_announced() -> None:
    for offered, survey, parameters in (
        ("250 SIZE 10", (12, True), b" SIZE=12"),
        ("250 8BITMIME", (12, True), b" BODY=8BITMIME"),
        ("250 8BITMIME", (12, False), b""),
        ("250-SIZE\n250 8BITMIME", (7, True), b" SIZE=7 BODY=8BITMIME"),
        ("250 SMTPUTF8", (7, True), b""),
    ):
        held = Held(["220 hi", "250-mail\n" + offered, "550 no"], survey=survey)
        assert held.sent[-1] == b"MAIL FROM:<joe@here>" + parameters + b"\r\n"


def test_addresses_of_all_letters() -> None:
    jorg, host = "jörg@here".encode(), "carolyn@bücher.example".encode()
    held = Held(["220 hi", EHLO + "SMTPUTF8", "250 ok", "550 no"], sender=jorg, recipients=[host])
    assert held.sent[1:] == [b"MAIL FROM:<" + jorg + b"> SMTPUTF8\r\n", b"RCPT TO:<" + host + b">\r\n"]
    held = Held(["220 hi", EHLO + "SIZE", "250 ok", "550 no"], recipients=[host, jorg])
    assert held.sent[2:] == [b"RCPT TO:<carolyn@xn--bcher-kva.example>\r\n"]
    assert held.output == (
        b"h10.0.0.1 does not like recipient.\nRemote host said: 550 no\n\0"
        b"h10.0.0.1 does not take addresses like this one. (#5.6.7)\n\0"
        b"DGiving up on 10.0.0.1.\n\0"
    )


def test_a_sender_that_cannot_be_said() -> None:
    for sender in ("jörg@here".encode(), b'"a\\\nRCPT TO:<x>"@here', b"a\r@here"):
        held = Held(["220 hi", EHLO + "SIZE"], sender=sender)
        assert held.output.startswith(
            b"DConnected to 10.0.0.1 but it does not take addresses like the sender's"
        )
        assert held.sent == [b"EHLO me\r\n"]
        assert held.outcome is not None
        assert not held.outcome.elsewhere


def test_nobody_who_can_be_named() -> None:
    held = Held(["220 hi", EHLO + "PIPELINING"], recipients=[b"a\nb@there"])
    assert held.sent == [b"EHLO me\r\n"]
    assert held.output.startswith(b"h10.0.0.1 does not take addresses like this one.")


@pytest.mark.parametrize(
    ("replies", "letters", "elsewhere"),
    [
        (["554 no"], b"Z", True),
        (["421 busy"], b"Z", True),
        (["220 hi", "421 busy"], b"Z", True),
        (["220 hi", "500 what", "500 what"], b"Z", True),
        (["220 hi", EHLO + "X", "550 no"], b"D", False),
        (["220 hi", EHLO + "X", "450 no"], b"Z", False),
        (["220 hi", EHLO + "X", "354 what"], b"Z", False),
        (["220 hi", EHLO + "X", "250 ok", "354 what"], b"sD", False),
        (["220 hi", EHLO + "X", "250 ok", "999 what"], b"sD", False),
        (["220 hi", EHLO + "X", "250 ok", "251 forwarded", "250 what"], b"rZ", False),
        (["220 hi", EHLO + "X", "250 ok", "250 ok", "550 no"], b"rD", False),
        (["220 hi", EHLO + "X", "250 ok", "250 ok", "354 go", "354 what"], b"rZ", False),
        (["220 hi", EHLO + "X", "250 ok", "250 ok", "354 go", "600 what"], b"rZ", False),
        (["220 hi", EHLO + "PIPELINING", "550 no"], b"D", False),
        (["220 hi", EHLO + "PIPELINING", "250 ok", "550 no"], b"hD", False),
    ],
)
def test_who_says_no(replies: list[str], letters: bytes, elsewhere: bool) -> None:
    held = Held(replies)
    assert bytes(report[0] for report in held.output[:-1].split(b"\0")) == letters
    assert held.outcome is not None
    assert held.outcome.elsewhere == elsewhere


def test_tls_if_offered() -> None:
    terms = Terms(b"me", smtpclient.IF_OFFERED)
    held = Held(["220 hi", EHLO + "STARTTLS", "220 go", EHLO + "SIZE", "550 no"], terms=terms)
    assert held.sent[1:] == [b"STARTTLS\r\n", b"EHLO me\r\n", b"MAIL FROM:<joe@here> SIZE=1000\r\n"]
    assert held.handshakes == 1
    held = Held(["220 hi", EHLO + "STARTTLS", "454 not now", "550 no"], terms=terms)
    assert held.sent[1:] == [b"STARTTLS\r\n", b"MAIL FROM:<joe@here>\r\n"]
    held = Held(["220 hi", EHLO + "SIZE", "550 no"], terms=terms)
    assert held.handshakes == 0
    held = Held(["220 hi", EHLO + "STARTTLS", "220 go", "421 bye"], terms=terms)
    assert held.output.startswith(b"ZConnected to 10.0.0.1 but my name was rejected.\n")


def test_tls_required() -> None:
    terms = Terms(b"me", smtpclient.REQUIRED)
    held = Held(["220 hi", EHLO + "STARTTLS", "454 not now"], terms=terms)
    assert held.output == b"ZConnected to 10.0.0.1 but TLS was refused.\nRemote host said: 454 not now\n\0"
    held = Held(["220 hi", EHLO + "SIZE"], terms=terms)
    assert held.output == b"ZConnected to 10.0.0.1 but it does not offer TLS. (#4.7.4)\n\0"
    assert (
        held.session.no_tls(b"why not").message
        == b"ZConnected to 10.0.0.1 but TLS failed: why not (#4.7.5)\n"
    )


LOGINS = [
    (b"", "PLAIN LOGIN", ["235 ok"], [b"AUTH PLAIN dQB1AHA="]),
    (b"", "LOGIN", ["334 x", "235 ok"], [b"AUTH LOGIN dQ==", b"cA=="]),
    (b"LOGIN", "PLAIN", ["334 x", "235 ok"], [b"AUTH LOGIN dQ==", b"cA=="]),
    (b"EXTERNAL", "EXTERNAL", ["235 ok"], [b"AUTH EXTERNAL ="]),
]


@pytest.mark.parametrize(("method", "offered", "replies", "commands"), LOGINS)
def test_logging_in(method: bytes, offered: str, replies: list[str], commands: list[bytes]) -> None:
    terms = Terms(b"me", auth=method, user=b"u", password=b"p")
    held = Held(["220 hi", EHLO + "AUTH " + offered, *replies, "550 no"], terms=terms)
    assert held.sent[1:] == [*[command + b"\r\n" for command in commands], b"MAIL FROM:<joe@here>\r\n"]
    for refusal in ("535 no", "454 not now"):
        held = Held(["220 hi", EHLO + "AUTH " + offered, *replies[:-1], refusal], terms=terms)
        assert held.output.startswith(b"ZConnected to 10.0.0.1 but my login was rejected.\n")


def test_no_way_to_log_in() -> None:
    for method, hello in ((b"", "AUTH CRAM-MD5"), (b"", "SIZE"), (b"EXTERNAL", "AUTH PLAIN")):
        terms = Terms(b"me", auth=method, user=b"u", password=b"p")
        held = Held(["220 hi", EHLO + hello], terms=terms)
        assert (
            held.output == b"ZConnected to 10.0.0.1 but it offers no way to log in that I know. (#4.7.0)\n\0"
        )
    held = Held(
        ["220 hi", EHLO + "AUTH LOGIN", "535 no"], terms=Terms(b"me", auth=b"", user=b"u", password=b"p")
    )
    assert b"my login was rejected" in held.output


def test_when_it_dies() -> None:
    held = Held(["220 hi", EHLO + "X", "250 ok", "250 ok", "354 go"])
    died = held.session.died(critical=True)
    assert died.output() == b"r\0ZConnected to 10.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n\0"
    assert (died.in_doubt, died.elsewhere) == (True, False)
    held = Held(["220 hi"])
    died = held.session.died(critical=False)
    assert died.output() == b"ZConnected to 10.0.0.1 but connection died. (#4.4.2)\n\0"
    assert (died.in_doubt, died.elsewhere) == (False, True)


def test_when_it_speaks_something_else() -> None:
    session = Held(["220 hi"]).session
    outcome = session.spoke_nonsense(b"<html>\0", critical=False)
    assert outcome.message == (
        b"ZConnected to 10.0.0.1 but its reply makes no sense. (#4.5.0)\nRemote host said: <html>?"
    )
    assert session.spoke_nonsense(b"", critical=True).message == (
        b"ZConnected to 10.0.0.1 but its reply makes no sense. Possible duplicate! (#4.5.0)\n"
    )


CODES = st.sampled_from(
    [200, 220, 235, 250, 251, 299, 300, 334, 354, 400, 421, 450, 499, 500, 550, 599, 100, 999]
)
OFFERS = st.sampled_from(["X", "PIPELINING", "STARTTLS", "SIZE", "AUTH PLAIN", "PIPELINING\n250 STARTTLS"])


class TestWhateverAServerSays:
    """It accepts by 2xx after the message, and refuses by 5xx; all else is tried again."""

    @given(
        codes=st.lists(CODES, max_size=14),
        offer=OFFERS,
        starttls=st.integers(0, 2),
        auth=st.sampled_from([None, b""]),
    )
    def test_one_recipient(self, codes: list[int], offer: str, starttls: int, auth: bytes | None) -> None:
        replies = [f"{code} x" for code in codes]
        if len(replies) > 1:
            replies[:2] = ["220 hi", EHLO + offer]
        held = _as_far_as_it_goes(replies, Terms(b"me", starttls, auth, b"u", b"p"))
        outcome = held.outcome or held.session.died(critical=bool(held.messages))
        told = remotereport.summary(0, outcome.output())[:1]
        if told == b"K":
            assert held.messages == 1
            assert held.used[-1][:1] == "2"
        if told == b"D":
            assert any(reply.startswith("5") for reply in held.used)
        if outcome.elsewhere:
            assert held.messages == 0


def _as_far_as_it_goes(replies: list[str], terms: Terms) -> Held:
    """With as many of the replies as are wanted."""
    for count in range(len(replies), -1, -1):
        try:
            held = Held(replies[:count], terms=terms)
        except AssertionError:
            continue
        held.used = replies[:count]
        return held
    raise AssertionError
