"""qmail-newu: what it makes of users/assign, byte for byte, and what it refuses. The original is asked where it is.

Not tested: a file beyond 4 GB, a disk that fails (tests/crash has the steps).
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import assign, cdb
from smarthost.store.users import Users
from tests.support.peerhome import peer_in_home
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "nothing": b".\n",
    "a dot without a newline": b"=a:b:1:2:/h:::\n.",
    "a dot and more": b".end\ngarbage",
    "simple": b"=joe.shmoe:joe:503:78:/home/joe:::\n.\n",
    "wild": b"+joe-:joe:507:100:/home/joe:-::\n+:alias:7790:2108:/a:-::\n=joe:joe:507:100:/home/joe:::\n.\n",
    "capitals": b"=JoE:Joe:1:2:/Home:-:Ext:\n+JoE-X:joe:1:2:/h:-:Pre-:\n.\n",
    "twice": b"=a:first:1:2:/::: \n=a:second:1:2:/:::\n+a-:x:1:2:/:::\n+b-:x:1:2:/:::\n.\n",
    "more colons": b"=a:b:1:2:/h:-:e:rest:of:it\n.\n",
    "any other first byte": b"#a:b:1:2:/h:::\n a:b:1:2:/h:::\n:.\n".replace(b":.\n", b".\n"),
    "8 bits": b"=\xe9\xc9:b:1:2:/h\xff:::\n.\n",
    "a long line": b"=" + b"a" * 100_000 + b":b:1:2:/h:::\n.\n",
    "empty fields": b"=a:::::::\n+b:::::::\n+:::::::\n.\n",
    "many": b"".join(b"=user%d:u:%d:1:/h:::\n+user%d-:u:1:1:/h:-::\n" % (n, n, n) for n in range(3000)) + b".\n",
}  # fmt: skip
# What the original makes of each: the beginning of its SHA-256.
MADE = {
    "nothing": "afe44b125cc89abb",
    "a dot without a newline": "3f8dde8a622fca64",
    "a dot and more": "afe44b125cc89abb",
    "simple": "6a161769aff4e8be",
    "wild": "80e87ba7f052e162",
    "capitals": "e10dd4c486665b2d",
    "twice": "2b52a79505a5704a",
    "more colons": "d321202f97f0f535",
    "any other first byte": "bbdb1592bec1f5b1",
    "8 bits": "0ca327541f33c0f5",
    "a long line": "5b190da3f6b53f2c",
    "empty fields": "ffb47f31765b1029",
    "many": "6b5232a07307b5cf",
}
BAD = {
    "empty": b"",
    "no dot": b"=a:b:1:2:/h:::\n",
    "cut off": b"=a:b:1:2:/h:::",
    "a zero byte": b"=a\0:b:1:2:/h:::\n.\n",
    "no colon": b"=a\n.\n",
    "too few colons": b"=a:b:1:2:/h::\n.\n",
    "a blank line": b"\n.\n",
    "a colon first": b":a:b:1:2:/h:::\n.\n",
}


def compiled(words: list[str], home: Path, content: bytes | None) -> tuple[Outcome, bytes | None]:
    (home / "users").mkdir(parents=True, exist_ok=True)
    (home / "control").mkdir(exist_ok=True)
    if content is not None:
        (home / "users/assign").write_bytes(content)
    (home / "users/cdb").unlink(missing_ok=True)
    done = run(words, env={"QMAILHOME": str(home)})
    made = home / "users/cdb"
    return done, made.read_bytes() if made.exists() else None


def both(tmp_path: Path, content: bytes | None) -> tuple[Outcome, bytes | None]:
    mine = compiled([ours("qmail-newu")], tmp_path / "home", content)
    if os.environ.get("QMAIL_PEER"):
        assert compiled(peer_in_home("qmail-newu", tmp_path / "home"), tmp_path / "home", content) == mine
    return mine


@pytest.mark.parametrize("name", GOOD)
def test_what_is_made(name: str, tmp_path: Path) -> None:
    done, made = both(tmp_path, GOOD[name])
    assert done == Outcome(0, b"", b"")
    assert made is not None
    assert hashlib.sha256(made).hexdigest()[:16] == MADE[name]
    with cdb.Reader(os.open(tmp_path / "home/users/cdb", os.O_RDONLY)) as reader:
        assert reader.get(b"") is not None
    assert (tmp_path / "home/users/cdb").stat().st_mode & 0o777 == 0o644
    assert not (tmp_path / "home/users/cdb.tmp").exists()


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    done, made = both(tmp_path, BAD[name])
    assert done == Outcome(111, b"", b"qmail-newu: fatal: bad format in users/assign\n")
    assert made is None


def test_the_old_file_stays_when_the_new_one_is_bad(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _, good = compiled([ours("qmail-newu")], home, GOOD["wild"])
    (home / "users/assign").write_bytes(BAD["no dot"])
    assert run([ours("qmail-newu")], env={"QMAILHOME": str(home)}).status == 111
    assert (home / "users/cdb").read_bytes() == good


def test_what_is_missing(tmp_path: Path) -> None:
    done, _ = both(tmp_path, None)
    assert done == Outcome(111, b"", b"qmail-newu: fatal: unable to open users/assign\n")
    done = run([ours("qmail-newu")], env={"QMAILHOME": str(tmp_path / "nowhere")})
    assert done == Outcome(111, b"", b"qmail-newu: fatal: unable to chdir\n")


def test_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "home/users/cdb.tmp").mkdir(parents=True)
    done, _ = both(tmp_path, GOOD["wild"])
    assert done == Outcome(111, b"", b"qmail-newu: fatal: unable to open users/cdb.tmp\n")
    (tmp_path / "home/users/cdb.tmp").rmdir()
    (tmp_path / "home/users/assign").unlink()
    (tmp_path / "home/users/assign").mkdir()
    done = run([ours("qmail-newu")], env={"QMAILHOME": str(tmp_path / "home")})
    assert done == Outcome(111, b"", b"qmail-newu: fatal: unable to read users/assign\n")


# How an address is looked up, by a slow reading of qmail-users(5).

BOXES = st.text("abAB-+.", max_size=4).map(str.encode)


@st.composite
def assignments(draw: st.DrawFn) -> list[tuple[bytes, bytes, bytes]]:
    """Kind, address, and extension."""
    kinds = st.sampled_from([b"=", b"+"])
    return draw(st.lists(st.tuples(kinds, BOXES, st.sampled_from([b"", b"e", b"pre-"])), max_size=6))


def in_charge(lines: list[tuple[bytes, bytes, bytes]], local: bytes) -> bytes | None:
    """The fields of who is, by the manual: simple ones first, then the most specific wildcard."""
    for number, (kind, box, ext) in enumerate(lines):
        if kind == b"=" and box.lower() == local.lower():
            return b"%d\0\x31\0\x32\0/\0-\0%b\0" % (number, ext)
    best: bytes | None = None
    longest = -1
    for number, (kind, box, ext) in enumerate(lines):
        if kind == b"+" and local.lower().startswith(box.lower()) and len(box) > longest:
            longest = len(box)
            best = b"%d\0\x31\0\x32\0/\0-\0%b%b\0" % (number, ext, local[len(box) :])
    return best


@given(assignments(), BOXES.filter(bool))
def test_who_is_in_charge(lines: list[tuple[bytes, bytes, bytes]], local: bytes) -> None:
    # The original compares the last byte of a wildcard as it is written, so that a capital never fits.
    lines = [(kind, box.lower() if kind == b"+" else box, ext) for kind, box, ext in lines]
    text = [b"%b%b:%d:1:2:/:-:%b:\n" % (kind, box, n, ext) for n, (kind, box, ext) in enumerate(lines)]
    records: dict[bytes, bytes] = {}
    for keys, data in assign.records([*text, b".\n"]):
        for key, value in zip(keys, data, strict=True):
            records.setdefault(key, value)
    assert assign.find(records.get, local) == in_charge(lines, local)


def test_a_capital_at_a_wildcards_end_fits_nothing(tmp_path: Path) -> None:
    compiled([ours("qmail-newu")], tmp_path / "home", b"+joeX:joe:1:2:/:-::\n.\n")
    users = Users(bytes(tmp_path / "home"))
    assert users.find(b"joexy") is None
    users.close()
