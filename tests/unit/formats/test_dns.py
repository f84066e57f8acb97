"""formats.dns: packets made by hand from RFC 1035, section 4, not by the code under test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import dns

NAME = (b"1", b"2", b"0", b"192", b"in-addr", b"arpa")
QUESTION = b"\x011\x012\x010\x03192\x07in-addr\x04arpa\x00\x00\x0c\x00\x01"
QUERY = b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + QUESTION
A_QUERY = b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04host\x07example\x00\x00\x01\x00\x01"


def reply(records: bytes, count: int = 1, flags: bytes = b"\x81\x80", query: bytes = QUERY) -> bytes:
    return query[:2] + flags + b"\x00\x01" + count.to_bytes(2, "big") + bytes(4) + query[12:] + records


def record(data: bytes, kind: int = 12, owner: bytes = b"\xc0\x0c") -> bytes:
    return owner + kind.to_bytes(2, "big") + b"\x00\x01\x00\x00\x0e\x10" + len(data).to_bytes(2, "big") + data


def test_a_question() -> None:
    assert dns.reverse_name(b"192.0.2.1") == NAME
    assert dns.question(0xABCD, NAME, dns.PTR) == QUERY


def test_a_name_for_an_address() -> None:
    found = dns.answers(reply(record(b"\x04MAIL\x07example\x00")), QUERY)
    assert found == [(b"MAIL", b"example")]


def test_a_name_that_points_back() -> None:
    packet = reply(record(b"\x04mail\xc0\x12"))
    assert dns.answers(packet, QUERY) == [(b"mail", b"192", b"in-addr", b"arpa")]


def test_addresses_of_a_name_behind_an_alias() -> None:
    alias = record(b"\x01a\xc0\x0c", kind=5)
    packet = reply(alias + record(b"\xc0\x00\x02\x01", 1) + record(b"\x7f\x00\x00\x01", 1), 3, query=A_QUERY)
    assert dns.answers(packet, A_QUERY) == [b"192.0.2.1", b"127.0.0.1"]


def test_an_address_of_another_size_or_class_is_none() -> None:
    other_class = b"\xc0\x0c\x00\x01\x00\x03\x00\x00\x0e\x10\x00\x04\x01\x02\x03\x04"
    assert dns.answers(reply(record(b"\x01\x02", 1) + other_class, 2, query=A_QUERY), A_QUERY) == []


def test_no_such_name_is_an_answer() -> None:
    assert dns.answers(reply(b"", 0, b"\x81\x83"), QUERY) == []


def test_another_spelling_of_the_question_is_the_same() -> None:
    packet = reply(record(b"\x04mail\x00")).replace(b"in-addr", b"IN-aDDr")
    assert dns.answers(packet, QUERY) == [(b"mail",)]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        QUERY[:11],
        b"\x00\x00" + QUERY[2:],
        QUERY[:4] + b"\x00\x02" + QUERY[6:],
        QUERY.replace(b"\x011\x012", b"\x011\x013"),
        QUERY[:-1] + b"\x02",
        QUERY[:14],
    ],
)
def test_what_is_not_about_the_question_is_left_aside(packet: bytes) -> None:
    assert dns.answers(packet, QUERY) is None


def test_a_server_that_fails_and_one_that_has_too_much_to_say() -> None:
    with pytest.raises(dns.ServerFailed):
        dns.answers(reply(b"", 0, b"\x81\x82"), QUERY)
    with pytest.raises(dns.Truncated):
        dns.answers(reply(b"", 0, b"\x83\x80"), QUERY)


@pytest.mark.parametrize(
    "records",
    [
        b"",
        b"\xc0",
        b"\xc0\x0c\x00\x0c",
        record(b"\x04mail\x00")[:-1],
        record(b"\x04mail\x00")[:-6],
        record(b"\x40mail\x00"),
        record(b"\xc0\x35" * 2, owner=b"\xc0\x0c"),
        record(b"\x3f" + b"x" * 63 + b"\xc0\x35"),
    ],
)
def test_records_that_make_no_sense(records: bytes) -> None:
    with pytest.raises(FormatError):
        dns.answers(reply(records), QUERY)


def test_a_name_too_long_through_pointers() -> None:
    long = b"".join(b"\x3f" + b"x" * 63 for _ in range(4)) + b"\x00"
    with pytest.raises(FormatError):
        dns.answers(reply(record(long)), QUERY)


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_a_format_error(tail: bytes) -> None:
    try:
        found = dns.answers(reply(tail), QUERY)
    except FormatError:
        return
    assert found is not None


def test_names_as_text() -> None:
    assert dns.text_from_name((b"Mail", b"Ex ample", b"\xe9")) == b"mail.ex\\040ample.\\351"
    assert dns.text_from_name(()) == b"."
    assert dns.name_from_text(b"a.b.") == (b"a", b"b")
    assert dns.name_from_text(b"a\\056b\\.\\057\\09\\7771\\") == (b"a.b\\", b"/\\09\xff1\\")


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5).map(tuple))
def test_text_leads_back_to_the_name(name: tuple[bytes, ...]) -> None:
    assert dns.name_from_text(dns.text_from_name(name)) == tuple(label.lower() for label in name)


@pytest.mark.parametrize("text", [b"x" * 64 + b".example", b".".join([b"x" * 60] * 5)])
def test_text_that_is_no_name(text: bytes) -> None:
    with pytest.raises(FormatError):
        dns.name_from_text(text)


def test_exchangers() -> None:
    query = A_QUERY[:-4] + b"\x00\x0f\x00\x01"
    records = record(b"\x00\x0a\x04mail\xc0\x11", 15) + record(b"\x01\x00\x00", 15) + record(b"\x00\x0a", 15)
    found = dns.answers(reply(records, 3, query=query), query)
    assert found is not None
    seen = [(each.preference, each.name) for each in found if isinstance(each, dns.Exchanger)]
    assert seen == [(10, (b"mail", b"example")), (256, ())]


def test_a_label_of_an_unknown_kind() -> None:
    with pytest.raises(FormatError):
        dns.answers(reply(record(b"\x80mail\x00")), QUERY)


def test_addresses_of_sixteen_bytes() -> None:
    query = A_QUERY[:-4] + b"\x00\x1c\x00\x01"
    data = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"
    packet = reply(record(data, 28) + record(b"\x7f\x00\x00\x01", 28), 2, query=query)
    assert dns.answers(packet, query) == [b"2001:db8:0:0:0:0:0:1"]
