from __future__ import annotations

import pytest

from smarthost.policy.identity import Identity


def identity(**variables: str) -> Identity:
    return Identity({name.encode(): value.encode() for name, value in variables.items()})


@pytest.mark.parametrize(
    ("variables", "author"),
    [
        ({}, b"From: anonymous\n"),
        ({"LOGNAME": "d"}, b"From: d\n"),
        ({"LOGNAME": "d", "USER": "c"}, b"From: c\n"),
        ({"LOGNAME": "d", "USER": "c", "MAILUSER": "b"}, b"From: b\n"),
        ({"LOGNAME": "d", "USER": "c", "MAILUSER": "b", "QMAILUSER": "a"}, b"From: a\n"),
        ({"QMAILUSER": "", "USER": "c"}, b'From: ""\n'),
        ({"USER": "a b"}, b'From: "a b"\n'),
        ({"USER": "a", "MAILHOST": "m"}, b"From: a@m\n"),
        ({"USER": "a", "MAILHOST": "m", "QMAILHOST": "q"}, b"From: a@q\n"),
        ({"USER": "a", "NAME": "A. B"}, b'From: "A. B" <a>\n'),
        ({"USER": "a", "NAME": "n", "MAILNAME": "m"}, b'From: "m" <a>\n'),
        ({"USER": "a", "NAME": "n", "MAILNAME": "m", "QMAILNAME": "q"}, b'From: "q" <a>\n'),
        ({"USER": "a", "NAME": 'x"(y'}, b'From: "x\\"\\(y" <a>\n'),
        ({"USER": "a", "NAME": "n", "QMAILHOST": "h", "QMAILINJECT": "c"}, b"From: a@h (n)\n"),
    ],
)
def test_the_author(variables: dict[str, str], author: bytes) -> None:
    assert identity(**variables).author() == author


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"USER": "a"}, b'Return-Path: "a"\n'),
        ({"USER": "a", "QMAILHOST": "h"}, b'Return-Path: "a"@h\n'),
        ({"USER": "a", "QMAILHOST": "h", "QMAILSHOST": "s"}, b'Return-Path: "a"@s\n'),
        ({"USER": "a", "QMAILSUSER": "s"}, b'Return-Path: "s"\n'),
        ({"USER": "a", "QMAILINJECT": "m"}, b'Return-Path: "a-1000.42"\n'),
        ({"USER": "a", "QMAILINJECT": "r"}, b'Return-Path: "a-"\n'),
        ({"USER": "a", "QMAILINJECT": "rm"}, b'Return-Path: "a-1000.42-"\n'),
    ],
)
def test_the_return_path(variables: dict[str, str], path: bytes) -> None:
    assert identity(**variables).return_path(1000, 42) == path
