"""Which .qmail files are looked for, and what stands above a message. tests/e2e/test_qmail_local.py has the rest."""

from __future__ import annotations

import pytest

from smarthost.policy.delivery import Delivery


def delivery(local: bytes = b"ann", dash: bytes = b"-", ext: bytes = b"", sender: bytes = b"a@b") -> Delivery:
    return Delivery(user=b"ann", home=b"/h", local=local, dash=dash, ext=ext, host=b"h", sender=sender)


@pytest.mark.parametrize(
    ("dash", "ext", "files"),
    [
        (b"", b"", [(b".qmail", None), (b".qmaildefault", b"")]),
        (b"-/", b"", [(b".qmail-/", None), (b".qmail-/default", b"")]),
        (b"-", b"A", [(b".qmail-a", None), (b".qmail-default", b"A")]),
        (
            b"-",
            b"a-",
            [(b".qmail-a-", None), (b".qmail-a-default", b""), (b".qmail-default", b"a-")],
        ),
        (
            b"-",
            b"A.x-B",
            [(b".qmail-a:x-b", None), (b".qmail-a:x-default", b"B"), (b".qmail-default", b"A.x-B")],
        ),
        (
            b"-",
            b"a-Default",
            [
                (b".qmail-a-default", b"Default"),
                (b".qmail-a-default", b"Default"),
                (b".qmail-default", b"a-Default"),
            ],
        ),
        (b"-", b"xdefault", [(b".qmail-xdefault", b"default"), (b".qmail-default", b"xdefault")]),
    ],
)
def test_files(dash: bytes, ext: bytes, files: list[tuple[bytes, bytes | None]]) -> None:
    assert list(delivery(dash=dash, ext=ext).files()) == files


def test_no_file_is_outside() -> None:
    for name, _ in delivery(ext=b"../..-/../x").files():
        assert b"." not in name[1:]


@pytest.mark.parametrize(
    ("sender", "line", "may"),
    [
        (b"a@b", b"Return-Path: <a@b>\n", True),
        (b"", b"Return-Path: <>\n", False),
        (b"#@[]", b"Return-Path: <#@[]>\n", False),
        (b'a b"\\@c', b'Return-Path: <"a b\\"\\\\"@c>\n', True),
        (b"a\nb@c\nd", b'Return-Path: <"a\\_b"@c_d>\n', True),
        (b"a b", b'Return-Path: <"a b">\n', True),
    ],
)
def test_sender(sender: bytes, line: bytes, may: bool) -> None:
    assert delivery(sender=sender).return_path == line
    assert delivery(sender=sender).may_have_owner is may


def test_owner() -> None:
    assert delivery(local=b"ann-list").owner(per_recipient=False) == b"ann-list-owner@h"
    assert delivery(local=b"ann-list").owner(per_recipient=True) == b"ann-list-owner-@h-@[]"


def test_from_line() -> None:
    assert delivery(sender=b"a b\tc\nd@e").from_line(0) == b"From a-b-c-d@e Thu Jan 01 00:00:00 1970\n"
    assert delivery(sender=b"").from_line(0) == b"From MAILER-DAEMON Thu Jan 01 00:00:00 1970\n"
