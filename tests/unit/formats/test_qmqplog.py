"""One line whatever a peer says."""

from __future__ import annotations

from smarthost.formats import qmqplog


def line(sender: bytes, recipients: list[bytes], reply: bytes = b"Kok 1 qp 2") -> bytes:
    return qmqplog.line(
        "qmail-qmqpd",
        7,
        origin=b"192.0.2.7",
        sender=sender,
        recipients=recipients,
        count=len(recipients),
        reply=reply,
    )


def test_the_line() -> None:
    assert line(b"a@example.com", [b"b@example.org", b"c"]) == (
        b"qmail-qmqpd: pid 7 from 192.0.2.7 sender <a@example.com> recipients 2 <b@example.org> <c>: Kok 1 qp 2\n"
    )
    assert line(b"", [], b"Zx\ny") == (b"qmail-qmqpd: pid 7 from 192.0.2.7 sender <> recipients 0 -: Zx?y\n")


def test_what_could_end_something_is_a_question_mark() -> None:
    assert qmqplog.address(b"a> b<\n\xff\0c") == b"<a??b????c>"


def test_it_is_bounded() -> None:
    assert qmqplog.address(b"x" * 100) == b"<" + b"x" * 100 + b">"
    assert qmqplog.address(b"x" * 101) == b"<" + b"x" * 100 + b"...>"
    assert line(b"", [b"r"] * 20).count(b"<r>") == 20
    assert b" recipients 21 " in line(b"", [b"r"] * 21)
    assert line(b"", [b"r"] * 21).endswith(b" <r> ...: Kok 1 qp 2\n")
