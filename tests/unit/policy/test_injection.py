from __future__ import annotations

import pytest

from smarthost.formats import newfields
from smarthost.formats import token822 as t
from smarthost.policy import injection
from smarthost.policy.hostnames import Hostnames
from smarthost.policy.identity import Identity

NAMES = Hostnames(host=b"host", domain=b"dom", plus=b"plus")
NOW = 1793527744
DATE = newfields.date(NOW)
ID = newfields.message_id(NOW, 42, b"id.host")
FROM = b"From: joe@host.dom\n"
NOT_SHOWN = b"Cc: recipient list not shown: ;\n"


def header(*fields: bytes, sender: bytes | None = None, **variables: str) -> injection.Header:
    environ = {name.encode(): value.encode() for name, value in {"USER": "joe", **variables}.items()}
    taken = injection.Header(Identity(environ), NAMES, sender)
    for field in fields:
        taken.take(field)
    return taken


def finished(given: injection.Header, *lists: bytes) -> bytes:
    return b"".join(given.finish(NOW, 42, b"id.host", frozenset(lists)))


class TestWhatIsAdded:
    def test_to_a_message_that_says_nothing(self) -> None:
        given = header()
        assert finished(given) == DATE + ID + FROM + NOT_SHOWN
        assert given.sender == b"joe@host.dom"
        assert given.recipients == []

    def test_nothing_to_a_message_that_says_all(self) -> None:
        fields = [b"Date: today\n", b"Message-ID: <x>\n", b"From: a@b.c\n", b"To: d@e.f\n", b"X: y\n"]
        assert finished(header(*fields)) == b"".join(fields)

    @pytest.mark.parametrize("name", [b"To", b"CC"])
    def test_shown_recipients(self, name: bytes) -> None:
        assert NOT_SHOWN not in finished(header(name + b": d@e.f\n"))

    @pytest.mark.parametrize("name", [b"Bcc", b"Apparently-To"])
    def test_hidden_recipients(self, name: bytes) -> None:
        assert NOT_SHOWN in finished(header(name + b": d@e.f\n"))

    def test_to_a_resent_message(self) -> None:
        fields = [b"To: a@b.c\n", b"Resent-Bcc: d@e.f\n"]
        given = header(*fields)
        assert finished(given) == (
            b"Resent-" + DATE + b"Resent-" + ID + b"Resent-" + FROM + b"Resent-" + NOT_SHOWN + fields[0]
        )
        assert given.recipients == [b"d@e.f"]

    @pytest.mark.parametrize(
        "name",
        [
            b"Resent-Sender",
            b"Resent-From",
            b"Resent-Reply-To",
            b"Resent-To",
            b"Resent-Cc",
            b"Resent-Bcc",
            b"Resent-Date",
            b"Resent-Message-Id",
        ],
    )
    def test_what_makes_a_message_resent(self, name: bytes) -> None:
        assert header(name + b": a@b.c\n").resent
        assert not header(name[7:] + b": a@b.c\n").resent


class TestWhatIsTakenOut:
    @pytest.mark.parametrize("name", [b"Bcc", b"Resent-Bcc", b"Return-Path", b"Content-Length"])
    def test_always(self, name: bytes) -> None:
        assert name not in finished(header(name + b": 5\n"))

    @pytest.mark.parametrize(
        ("letter", "field"),
        [("f", b"From: a@b.c\n"), ("i", b"Message-ID: <x>\n"), ("s", b"Return-Path: <a@b>\n")],
    )
    def test_by_letter(self, letter: str, field: bytes) -> None:
        given = header(field, QMAILINJECT=letter)
        assert finished(given) == DATE + ID + FROM + NOT_SHOWN
        assert given.sender == b"joe@host.dom"


class TestRecipients:
    def test_all_fields_in_the_originals_order(self) -> None:
        given = header(b"To: a, b\n", b"Apparently-To: c\n", b"Bcc: d\n", b"Cc: <@route:e>\n")
        assert given.recipients == [box + b"@host.dom" for box in (b"b", b"a", b"c", b"d", b"e")]

    @pytest.mark.parametrize("name", [b"To", b"Cc", b"Bcc", b"Apparently-To"])
    def test_a_field_that_cannot_be_read_stays(self, name: bytes) -> None:
        field = name + b": (oops\n"
        given = header(field)
        assert given.unread == [field]
        assert (field in finished(given)) == (name != b"Bcc")

    def test_what_was_read_of_it_counts(self) -> None:
        given = header(b"To: x>, a\n")
        assert given.recipients == [b"a@host.dom", b"x@host.dom"]
        assert given.unread == [b"To: x>, a\n"]

    def test_only_fields_that_count_are_missed(self) -> None:
        given = header(b"To: (\n", b"Resent-To: a\n")
        assert given.unread == []
        given.take(b"Resent-Cc: (\n")
        assert given.unread == [b"Resent-Cc: (\n"]


class TestSender:
    def test_the_last_of_the_first_return_path(self) -> None:
        assert header(b"Return-Path: a, b\n", b"Return-Path: c\n").sender == b"b@host.dom"

    def test_nobody(self) -> None:
        given = header(b"Return-Path: <>\n")
        finished(given)
        assert given.sender == b""

    def test_the_one_given_stays(self) -> None:
        given = header(b"Return-Path: a\n", sender=b"given", QMAILINJECT="r")
        finished(given)
        assert given.sender == b"given"

    @pytest.mark.parametrize("fields", [(), (b"Return-Path: joe-\n",)])
    def test_one_for_each_recipient(self, fields: tuple[bytes, ...]) -> None:
        given = header(*fields, QMAILINJECT="r")
        finished(given)
        assert given.sender == b"joe-@host.dom-@[]"

    @pytest.mark.parametrize(
        "name",
        [b"From", b"Sender", b"Reply-To", b"Return-Path", b"Return-Receipt-To", b"Errors-To", b"Resent-From"],
    )
    def test_a_field_that_cannot_be_read_is_the_end(self, name: bytes) -> None:
        with pytest.raises(t.Unreadable) as caught:
            header(name + b": a: b\n")
        assert caught.value.text == name + b": a: b\n"

    def test_an_environment_that_makes_no_address(self) -> None:
        with pytest.raises(t.Unreadable):
            finished(header(QMAILHOST="a:b"))


class TestFollowUp:
    FIELDS = (b"To: list@dom.x, a@b.c\n", b"Cc: x y@d.e\n")

    def test_a_list_asks_for_it(self) -> None:
        followed = finished(header(*self.FIELDS), b"list@dom.x")
        assert b"Mail-Followup-To: x@host.dom,\n  y@d.e,\n  list@dom.x,\n  a@b.c\n" in followed

    def test_case_does_not_count(self) -> None:
        assert b"Mail-Followup-To" in finished(header(b"To: LIST@Dom.X\n"), b"list@dom.x")

    def test_boxes_are_quoted_again(self) -> None:
        assert b'\nMail-Followup-To: "a b"@c.d\n' in finished(header(b'To: "a b"@c.d\n'), b"a b@c.d")

    @pytest.mark.parametrize(
        "fields",
        [(b"To: other@dom.x\n",), (b"Bcc: list@dom.x\n",), (b"Resent-To: a\n", b"To: list@dom.x\n"), ()],
    )
    def test_nothing_asks_for_it(self, fields: tuple[bytes, ...]) -> None:
        assert b"Mail-Followup-To" not in finished(header(*fields), b"list@dom.x")

    def test_the_message_has_one(self) -> None:
        given = header(b"Mail-Followup-To: me\n", *self.FIELDS)
        assert finished(given, b"list@dom.x").count(b"Mail-Followup-To") == 1


def test_a_zero_byte_ends_an_address_in_an_envelope() -> None:
    assert injection.as_c_string(b"a@b\0c") == b"a@b"


@pytest.mark.parametrize(
    ("given", "address"),
    [(b"", b""), (b"a b@c", b"a b@c.dom"), (b"joe", b"joe@host.dom"), (b"@r:joe@c.d", b"@r:joe@c.d")],
)
def test_arguments(given: bytes, address: bytes) -> None:
    assert injection.argument(given, NAMES) == address


def test_an_argument_that_is_no_address() -> None:
    with pytest.raises(t.Unreadable) as caught:
        injection.argument(b"a b@(c", NAMES)
    assert caught.value.text == b'"a b"@(c'
