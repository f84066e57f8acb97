"""qmail-local beside the original with any .qmail files: what `-n` shows, and what the message becomes.

What is expected without the original stands in tests/e2e/test_qmail_local.py.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.deliveries import Address, Left, deliver, make_home
from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run

WORDS = st.sampled_from(
    [
        *(
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
            b"\n",
            b"\0",
            b"x",
            b"\xff",
        ),
        *(b"./Maildir/\n", b"./mbox\n", b"|true\n", b"|exit 99\n", b"|exit 100\n", b"&a@b\n", b"ann@b\n"),
    ]
)
CONTENTS = st.lists(WORDS, max_size=10).map(b"".join)
EXTS = st.text("aB.-d/", max_size=5).map(str.encode)
FILES = st.sampled_from(
    ["", "-a", "-a-default", "-default", "-a-b", "-:a", "-a-owner", "-owner", "-owner-default", "default"]
)
HOMES = st.dictionaries(FILES.map(lambda name: f".qmail{name}"), CONTENTS, max_size=5)
ADDRESSES = st.builds(
    Address,
    dash=st.sampled_from([b"", b"-", b"-", b"-"]),
    ext=EXTS,
    sender=st.sampled_from([b"", b"#@[]", b"a@b", b'a "x"@b']),
    default=st.sampled_from([b"./mbox", b"", b"&d@e\n#\n./Maildir/"]),
)


# Two commands on one line of the shell may run at the same time, and say what they say in any order.
MORE_COMMANDS = re.compile(rb"(?<=\|)[^\n]*")


def tamed(content: bytes) -> bytes:
    """With one command behind a bar, that is harmless: of a few of these words."""
    content = MORE_COMMANDS.sub(lambda found: found[0].translate(None, b"|&"), content)
    return content.replace(b"|/", b"|#").replace(b"|.", b"|#")


def shown(program: str, home: Path, address: Address) -> Outcome:
    return run([program, "-n", *address.words(home)], env={})


@settings(max_examples=60)
@given(HOMES, ADDRESSES, st.booleans())
def test_what_is_shown(content: dict[str, bytes], address: Address, executable: bool) -> None:
    peer = qmail_peer("qmail-local")
    with tempfile.TemporaryDirectory() as place:
        home = make_home(Path(place), content)
        for file in content if executable else ():
            (home / file).chmod(0o755)
        assert shown(ours("qmail-local"), home, address) == shown(peer, home, address)


@settings(max_examples=40)
@given(CONTENTS, st.lists(WORDS, max_size=10).map(b"".join))
def test_what_is_left(content: bytes, message: bytes) -> None:
    peer = qmail_peer("qmail-local")
    content = tamed(content)
    left: list[Left] = []
    for program in (ours("qmail-local"), peer):
        with tempfile.TemporaryDirectory() as place:
            left.append(deliver(program, Path(place), {".qmail": content}, Address(), message))
    assert left[0] == left[1]


@pytest.mark.parametrize("message", [b"Subject: x\n\n" + b"From \n" * 50_000, b">" * 100_000 + b"From x"])
def test_much_that_has_to_be_quoted(message: bytes, tmp_path: Path) -> None:
    left = [
        deliver(program, tmp_path / str(number), {".qmail": b"./mbox\n"}, Address(), message)
        for number, program in enumerate((ours("qmail-local"), qmail_peer("qmail-local")))
    ]
    assert left[0] == left[1]
