"""qmail-pw2u: the assignments of accounts. The original is asked the same where it is.

Not tested: a home that cannot be looked at for a reason other than that it is missing, as root.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.peerhome import peer_in_home
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

# HERE is a directory of ours, ID our number.
PASSWD = """\
root:x:0:0:root:HERE:/bin/sh
alias:x:ID:100::HERE:/bin/false
ann:x:ID:101:Ann:HERE:/bin/sh
Bob:x:ID:102:Bob:HERE:/bin/sh
gone:x:ID:103::HERE/nowhere:/bin/sh
stranger:x:1234567:103::HERE:/bin/sh
short:x:ID:104:no home
text:x:abc:104::HERE:/bin/sh
carl:x:ID:105:Carl:HERE:
"""

USUAL = """\
+:alias:ID:100:HERE:-::
=alias:alias:ID:100:HERE:::
+alias-:alias:ID:100:HERE:-::
=ann:ann:ID:101:HERE:::
+ann-:ann:ID:101:HERE:-::
=carl:carl:ID:105:HERE:::
+carl-:carl:ID:105:HERE:-::
.
"""

NO_SUCH_HOME = b"qmail-pw2u: fatal: unable to stat HERE/nowhere\n"


def spelled(text: str, here: Path) -> bytes:
    """Root's number is refused, so root's accounts here get the number that owns the place all the same."""
    return text.replace("HERE", str(here)).replace("ID", str(here.stat().st_uid)).encode()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, 54321, 54321)
    return place


def both(here: Path, *options: str, passwd: str = PASSWD, **files: str) -> Outcome:
    home = here.parent / "home"
    (home / "users").mkdir(parents=True)
    (home / "control").mkdir()
    for name, text in files.items():
        (home / "users" / name).write_text(text)
    given = spelled(passwd, here)
    done = run([ours("qmail-pw2u"), *options], given, env={"QMAILHOME": str(home)})
    if os.environ.get("QMAIL_PEER"):
        theirs = run([*peer_in_home("qmail-pw2u", home), *options], given, env={"QMAILHOME": str(home)})
        assert (theirs.status, theirs.stderr) == (done.status, done.stderr)
        assert done.status or theirs.stdout == done.stdout
    place = bytes(here)
    return Outcome(done.status, done.stdout, done.stderr.replace(place, b"HERE"))


def good(here: Path, text: str) -> Outcome:
    return Outcome(0, spelled(text, here), b"")


def test_the_usual(here: Path) -> None:
    assert both(here) == good(here, USUAL)


@pytest.mark.parametrize("options", [("-o",), ("-ho",), ("-HoU",), ("-c-",), ("-uU",)])
def test_the_same_by_options(here: Path, options: tuple[str, ...]) -> None:
    assert both(here, *options) == good(here, USUAL)


def test_capitals(here: Path) -> None:
    bob = "=Bob:Bob:ID:102:HERE:::\n+Bob-:Bob:ID:102:HERE:-::\n"
    assert both(here, "-u") == good(here, USUAL.replace("=carl", bob + "=carl"))


def test_a_home_that_must_be(here: Path) -> None:
    assert both(here, "-h") == Outcome(111, b"", NO_SUCH_HOME)


def test_homes_that_do_not_matter(here: Path) -> None:
    gone = "=gone:gone:ID:103:HERE/nowhere:::\n+gone-:gone:ID:103:HERE/nowhere:-::\n"
    stranger = "=stranger:stranger:1234567:103:HERE:::\n+stranger-:stranger:1234567:103:HERE:-::\n"
    assert both(here, "-H") == good(here, USUAL.replace("=carl", gone + stranger + "=carl"))


def test_no_extensions(here: Path) -> None:
    lines = [
        line for line in USUAL.splitlines(keepends=True) if not line.startswith(("+alias", "+ann", "+carl"))
    ]
    assert both(here, "-C") == good(here, "".join(lines))


def test_another_separator_and_directory(here: Path) -> None:
    text = USUAL.replace("-::", "-/::").replace("n-:", "n=:").replace("s-:", "s=:").replace("l-:", "l=:")
    assert both(here, "-/c=") == good(here, text)


def test_who_is_wanted(here: Path) -> None:
    expected = "".join(line for line in USUAL.splitlines(keepends=True) if "carl" not in line)
    assert both(here, include="# these\nALIAS\nann \ncarl\n", exclude="CARL\n") == good(here, expected)


def test_other_names(here: Path) -> None:
    names = "".join(f"={n}:ann:ID:101:HERE:::\n+{n}-:ann:ID:101:HERE:-::\n" for n in ("Ann.Lee", "al"))
    text = USUAL.replace("=ann:ann:ID:101:HERE:::\n+ann-:ann:ID:101:HERE:-::\n", names)
    text = text.replace("=carl:carl:ID:105:HERE:::\n+carl-:carl:ID:105:HERE:-::\n", "")
    assert both(here, mailnames="ann:first\nANN::Ann.Lee::al:\ncarl:\nnobody:x\nno colon\n") == good(
        here, text
    )


def test_users_below_users(here: Path) -> None:
    sub = "=sub:ann:ID:101:HERE:-:pre:\n+sub-:ann:ID:101:HERE:-:pre-:\n"
    text = USUAL.replace(".\n", sub + "=more:x:1:2:/:::\n.\n")
    subusers = "sub:ANN:pre:\n# comment\nonly:one\nno:carl:end\n"
    assert both(here, subusers=subusers, append="=more:x:1:2:/:::\n") == good(here, text)


def test_users_below_nobody(here: Path) -> None:
    assert both(here, subusers="sub:nobody:x:\n") == Outcome(
        111, b"", b"qmail-pw2u: fatal: unable to find nobody user for subuser\n"
    )


def test_no_alias(here: Path) -> None:
    passwd = PASSWD.replace("alias", "alibi")
    assert both(here, passwd=passwd) == Outcome(111, b"", b"qmail-pw2u: fatal: unable to find alias user\n")


def test_a_last_line_without_a_newline(here: Path) -> None:
    assert both(here, passwd=PASSWD.rstrip("\n")) == good(here, USUAL)


def test_a_file_that_cannot_be_read(here: Path) -> None:
    (here.parent / "home/users/include").mkdir(parents=True)
    done = run([ours("qmail-pw2u")], env={"QMAILHOME": str(here.parent / "home")})
    assert done == Outcome(111, b"", b"qmail-pw2u: fatal: unable to read controls\n")


def test_usage_and_no_home(tmp_path: Path) -> None:
    done = run([ours("qmail-pw2u"), "-x"])
    assert (done.status, done.stderr.splitlines()[0]) == (100, b"qmail-pw2u: illegal option -- x")
    done = run([ours("qmail-pw2u")], env={"QMAILHOME": str(tmp_path / "nowhere")})
    assert done == Outcome(111, b"", b"qmail-pw2u: fatal: unable to chdir\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_output_that_takes_no_more(here: Path) -> None:
    home = here.parent / "home"
    (home / "users").mkdir(parents=True)
    words = ["sh", "-c", 'exec "$0" >/dev/full', ours("qmail-pw2u")]
    done = run(words, spelled(PASSWD, here), env={"QMAILHOME": str(home)})
    assert done == Outcome(111, b"", b"qmail-pw2u: fatal: unable to write output\n")
