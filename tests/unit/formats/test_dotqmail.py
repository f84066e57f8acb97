"""A .qmail file's lines, against a slow reading of dot-qmail(5) and of the original's way with zero bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import dotqmail
from smarthost.formats.dotqmail import Instruction, instructions

TEXT = st.lists(
    st.sampled_from(
        [
            b"#",
            b".",
            b"/",
            b"|",
            b"&",
            b"+",
            b"+list",
            b" ",
            b"\t",
            b"\n",
            b"\n",
            b"\0",
            b"a",
            b"\xff",
            b"./x/",
        ]
    ),
    max_size=12,
).map(b"".join)


def slowly(content: bytes) -> list[Instruction]:
    """A byte at a time."""
    found: list[Instruction] = []
    line = b""
    number = 0
    for byte in content if content.endswith(b"\n") else content + b"\n":
        if byte != 10:
            line += bytes((byte,))
            continue
        while line[-1:] in (b" ", b"\t") and line:
            line = line[:-1]
        number += 1
        if not line or line[0] == 0:
            if number == 1:
                found.append(Instruction(dotqmail.BLANK))
        elif line[0] in b"./":
            found.append(Instruction(dotqmail.MAILDIR if line[-1] == 47 else dotqmail.MBOX, line))
        elif line[0] == 124:
            found.append(Instruction(dotqmail.PROGRAM, line[1:]))
        elif line[0] == 43:
            if line.split(b"\0")[0] == b"+list":
                found.append(Instruction(dotqmail.FORWARD_ONLY))
        elif line[0] == 38:
            found.append(Instruction(dotqmail.FORWARD, line[1:]))
        elif line[0] != 35:
            found.append(Instruction(dotqmail.FORWARD, line))
        line = b""
    return found


@given(TEXT)
def test_any_file(content: bytes) -> None:
    assert instructions(content) == slowly(content)


@given(st.binary(max_size=40))
def test_any_bytes(content: bytes) -> None:
    assert instructions(content) == slowly(content)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (b"&ann@example.org", dotqmail.FORWARD, b"ann@example.org"),
        (b"ann@example.org  \t\n", dotqmail.FORWARD, b"ann@example.org"),
        (b"&", dotqmail.FORWARD, b""),
        (b"|a b ", dotqmail.PROGRAM, b"a b"),
        (b"|", dotqmail.PROGRAM, b""),
        (b"/a/b/", dotqmail.MAILDIR, b"/a/b/"),
        (b"./a/b", dotqmail.MBOX, b"./a/b"),
        (b"/", dotqmail.MAILDIR, b"/"),
        (b"./a\0b/", dotqmail.MAILDIR, b"./a"),
        (b"", dotqmail.BLANK, b""),
    ],
)
def test_a_line(content: bytes, kind: bytes, text: bytes) -> None:
    [instruction] = instructions(content)
    assert (instruction.kind, instruction.text) == (kind, text)


def test_what_is_no_instruction() -> None:
    assert instructions(b"# x\n\n+\n+lists\n \n") == []
    assert instructions(b"+list\n+list \n+list\0x") == [Instruction(dotqmail.FORWARD_ONLY)] * 3


def test_instructions_compare_and_show() -> None:
    one = Instruction(dotqmail.MBOX, b"./x")
    assert one != "x"
    assert {one, Instruction(dotqmail.MBOX, b"./x")} == {one}
    assert repr(one) == "Instruction(b'mbox', b'./x')"
