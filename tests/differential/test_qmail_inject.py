"""qmail-inject, the original's and ours, on the same input: printed messages, queued messages, envelopes,
statuses, words.

What may differ: times and process ids, named in `same_stamps`. Not tested: out of memory.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats import token822 as t
from smarthost.formats.lines import Lines
from smarthost.formats.mailbox import quoted
from smarthost.policy.hostnames import Hostnames
from smarthost.policy.identity import Identity
from smarthost.policy.injection import Header, argument, as_c_string
from smarthost.programs.qmail import qmail_inject
from tests.support.inject import ENVIRONMENT, messages, words
from tests.support.originals import qmail_peer
from tests.support.peerhome import peer_in_home
from tests.support.queueprogram import QueueProgram
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def same_stamps(text: bytes) -> bytes:
    text = re.sub(rb"(Date: )\d+ \w\w\w \d+ \d\d:\d\d:\d\d -0000", rb"\1DATE", text)
    text = re.sub(rb"<\d{14}\.\d+\.qmail@", b"<ID@", text)
    return re.sub(rb"-\d{9,}\.\d+", b"-TIME.PID", text)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "control").mkdir()
    return tmp_path


class Both:
    """Runs both programs in one environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.programs: list[list[str]] = [[qmail_peer("qmail-inject")], [ours("qmail-inject")]]

    def run(
        self, arguments: Sequence[str | bytes], stdin: bytes, env: Mapping[str, str] | None = None
    ) -> tuple[Outcome, Outcome]:
        environment = {**ENVIRONMENT, "QMAILHOME": str(self.home), **(env or {})}
        c, py = (run([*program, *arguments], stdin, env=environment) for program in self.programs)
        return named(c), named(py)


def named(outcome: Outcome) -> Outcome:
    return Outcome(outcome.status, same_stamps(outcome.stdout), same_stamps(outcome.stderr))


MESSAGES = {
    "usual": b"To: joe, Jane <jane@far>\nSubject: x\n\nbody\n",
    "empty": b"",
    "no header": b"\nbody\n",
    "no field": b"body\n",
    "no body": b"To: joe\n",
    "no newline": b"To: joe",
    "no newline in the body": b"To: joe\n\nbody",
    "CRLF": b"To: joe\r\nSubject: x\r\n\r\nbody\r\n",
    "bare CR": b"To: joe\rCc: jane\n\nbody\r",
    "NULs": b"To: jo\0e, x\0@y\nX\0Y: z\n\nb\0dy\n",
    "8-bit": b"To: J\xf6rg <j\xf6rg@h\xf6st>\nSubject: \xff\n\n\xfe\n",
    "mbox": b"From joe Mon\nTo: joe\n\nFrom x\n",
    "folded": b"To: joe,\n\tjane\n  (a\n comment)\n , x\nSubject:\n y\n\n",
    "starts folded": b" To: joe\n\n",
    "unbalanced": b'To: (joe\nCc: jane>\nBcc: "x\n\n',
    "group": b"To: friends: joe, jane@far;, other\nBcc: hidden: x;\n\n",
    "resent": b"To: joe\nResent-To: jane\nResent-Bcc: hidden\n\n",
    "return path": b"Return-Path: <sender@far.example>\nTo: joe\n\n",
    "return path of nobody": b"Return-Path: <>\nTo: joe\n\n",
    "receipts": b"To: joe\nReturn-Receipt-To: a\nErrors-To: b c\nContent-Length: 5\n\n",
    "bad sender": b"To: joe\nFrom: (\n\n",
    "long": b"To: " + b", ".join([b"somebody.with.a.name@some.host.example"] * 40) + b"\n\n",
    "dots": b"To: joe\n\n.\n..\n.\r\nafter\n",
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_printed_alike(name: str, home: Path) -> None:
    c, py = Both(home).run(["-n"], MESSAGES[name])
    assert py == c


# What cannot be read is refused where its recipients are wanted: see test_differences.
@pytest.mark.parametrize("name", sorted(set(MESSAGES) - {"unbalanced", "bare CR"}))
@pytest.mark.parametrize("arguments", [[], ["-H", "other@far"]])
def test_messages_are_queued_alike(name: str, arguments: list[str], home: Path) -> None:
    program = QueueProgram(home)
    both = Both(home)
    kept = []
    outcomes = []
    for program_words in both.programs:
        environment = {**ENVIRONMENT, "QMAILHOME": str(home), "QMAILQUEUE": program.path}
        outcomes.append(run([*program_words, *arguments], MESSAGES[name], env=environment))
        kept.append([(same_stamps(message), envelope) for message, envelope in program.kept()])
    assert outcomes[1] == outcomes[0]
    if name == "bad sender":  # the original starts its queue program after the header
        assert kept[0] == []
    assert kept[1] == kept[0]


# As one would type them; a word in quotes may be empty or have blanks.
LINES = [
    *("", "-a", "-h", "-H", "-A", "-N", "joe 'a b@c'", "-a joe", "-h joe", "-H joe", "-A joe", "-ah joe"),
    *("-f me joe", "-fme@far joe", "-f '' joe", "'-f<>' joe", "-f 'a b@c' joe", "-f @x:me@y joe", "-- -a"),
    *(
        "--x joe",
        "- x",
        "-f a -f b joe",
        "joe -f x",
        "me@[]",
        "\udcff@h",
        "a@b@c",
        "x+@y+",
        "''",
        "-n",
        "-nN",
    ),
    *("-f 'a@(b' joe", "'x@(b'", "-x", "-f", "-nf", "-anx", "-f '(' -x", "-x -f '('"),
]


@pytest.mark.parametrize("line", LINES, ids=ascii)
def test_arguments_mean_the_same(line: str, home: Path) -> None:
    arguments = [os.fsencode(word) for word in shlex.split(line)]
    program = QueueProgram(home)
    both = Both(home)
    seen = []
    for program_words in both.programs:
        environment = {**ENVIRONMENT, "QMAILHOME": str(home), "QMAILQUEUE": program.path}
        outcome = run([*program_words, *arguments], b"To: t\nBcc: b\n\nx\n", env=environment)
        seen.append(
            (named(outcome), [(same_stamps(message), envelope) for message, envelope in program.kept()])
        )
    assert seen[1] == seen[0]


VARIABLES: list[dict[str, str]] = [
    {"QMAILNAME": "Joe Doe"},
    {"NAME": 'J "x" (y)', "QMAILINJECT": "c"},
    {"MAILNAME": "M", "NAME": "N", "MAILUSER": "mu", "MAILHOST": "mh"},
    {"QMAILHOST": "far", "QMAILSHOST": "bounces.example", "QMAILSUSER": "owner"},
    {"QMAILUSER": "a b", "QMAILHOST": ""},
    {"QMAILUSER": ""},
    {"QMAILINJECT": "r"},
    {"QMAILINJECT": "m"},
    {"QMAILINJECT": "rmz"},
    {"QMAILINJECT": "sfi"},
    {"QMAILHOST": "a:b"},
    {"QMAILHOST": "a;b,c"},
    {"QMAILHOST": "a)b"},
    {"QMAILDEFAULTDOMAIN": ""},
    {"QMAILDEFAULTDOMAIN": ")"},
    {"QMAILDEFAULTHOST": "a+"},
    {"QMAILDEFAULTHOST": "("},
    {"QMAILPLUSDOMAIN": '"'},
    {"QMAILIDHOST": ""},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_variables_mean_the_same(variables: dict[str, str], home: Path) -> None:
    message = b"To: t, h+@x+\nFrom: f\nMessage-ID: <m>\nReturn-Path: <p>\n\nx\n"
    both = Both(home)
    for stdin in (message, b"\n"):
        c, py = both.run(["-n"], stdin, variables)
        assert py == c


@pytest.mark.parametrize("lists", [None, "", "LIST@h.dom.example\n# x\n", "other@x\n", "t@host.dom.example"])
def test_follow_ups(lists: str | None, home: Path) -> None:
    if lists is not None:
        (home / "lists").write_text(lists)
    c, py = Both(home).run(["-n"], b'To: t, "a b"@c\nCc: list@h\n\n', {"QMAILMFTFILE": str(home / "lists")})
    assert py == c


STATUSES = [
    *(0, 11, 12, 31, 40, 41, 51, 52, 53, 54, 55, 56, 61, 62, 63, 64, 65, 66, 71, 72, 73, 74),
    *(81, 82, 91, 99, 100, 111, 115, 120),
]


@pytest.mark.parametrize("status", STATUSES)
def test_what_the_queue_program_says(status: int, home: Path) -> None:
    program = QueueProgram(home, f"exit {status}")
    c, py = Both(home).run([], b"To: t\n\nx\n", {"QMAILQUEUE": program.path})
    assert py == c


ODD_SCRIPTS = [
    *("exit 0", "kill -9 $$", "echo Dno such thing >&6; exit 82", "echo Zx >&6; exit 82"),
    *("printf D >&6; exit 82", "printf Dlast >&6; exit 0"),
]


@pytest.mark.parametrize("script", ODD_SCRIPTS)
def test_queue_programs_that_behave_oddly(script: str, home: Path) -> None:
    """Those that read nothing, too: the message is larger than a pipe holds."""
    (home / "odd").write_text(f"#!/bin/sh\n{script}\n")
    (home / "odd").chmod(0o755)
    c, py = Both(home).run([], b"To: t\n\n" + b"x" * 200_000 + b"\n", {"QMAILQUEUE": str(home / "odd")})
    assert py == c


@pytest.mark.parametrize("program", ["/nonexistent", "", "/"])
def test_queue_programs_that_cannot_be_run(program: str, home: Path) -> None:
    c, py = Both(home).run([], b"To: t\n\nx\n", {"QMAILQUEUE": program})
    assert py == c


CONTROLS: list[dict[str, bytes]] = [
    {},
    {"me": b"me.example\n"},
    {"me": b"me.example", "defaulthost": b"dh  \t\nsecond\n", "idhost": b"id\n"},
    {"defaultdomain": b"dd\n", "plusdomain": b"pd\n"},
    {"defaulthost": b"", "me": b""},
    {"defaultdomain": b"a)b\n"},
]


@pytest.mark.parametrize("controls", CONTROLS, ids=str)
def test_control_files(controls: dict[str, bytes], home: Path) -> None:
    for name, content in controls.items():
        (home / "control" / name).write_bytes(content)
    c = run([*peer_in_home("qmail-inject", home), "-n"], b"To: t, x+@y+\n\n", env={"USER": "joe"})
    py = run([ours("qmail-inject"), "-n"], b"To: t, x+@y+\n\n", env={"USER": "joe", "QMAILHOME": str(home)})
    assert named(py) == named(c)


@pytest.mark.parametrize("name", ["me", "defaultdomain", "defaulthost", "plusdomain", "idhost"])
def test_control_files_that_cannot_be_read(name: str, home: Path) -> None:
    (home / "control" / name).mkdir()
    c = run([*peer_in_home("qmail-inject", home), "-n"], b"To: t\n\n", env=ENVIRONMENT)
    py = run([ours("qmail-inject"), "-n"], b"To: t\n\n", env={**ENVIRONMENT, "QMAILHOME": str(home)})
    assert c.status == 111
    assert py == c


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"To: " + b"joe@host,\n " * 20_000 + b"end\n\nx\n",
        lambda: b"X: " + b"y" * 10_000_000 + b"\n\nx\n",
        lambda: b"X: y\n" * 200_000 + b"To: joe\n\nx\n",
        lambda: b"Subject: x\n" + b" folded\n" * 200_000 + b"\nx\n",
        lambda: b'To: "' + b"x" * 1_000_000 + b"\n\n",
    ],
    ids=["recipients", "line", "fields", "folds", "quote"],
)
def test_large_headers(make: Callable[[], bytes], home: Path) -> None:
    c, py = Both(home).run(["-n"], make())
    assert py == c


class TestDifferences:
    """What the manual page lists."""

    @pytest.mark.parametrize("arguments", [[], ["-H", "joe"]])
    def test_a_field_whose_recipients_are_lost(self, arguments: list[str], home: Path) -> None:
        program = QueueProgram(home)
        c, py = Both(home).run(arguments, b"Cc: jane\nTo: (joe\n\nx\n", {"QMAILQUEUE": program.path})
        assert (c.status, c.stderr) == (0, b"")
        assert (py.status, py.stderr) == (100, b"qmail-inject: fatal: unable to parse this line:\nTo: (joe\n")
        assert len(program.kept()) == 1

    def test_it_is_no_matter_to_recipients_given(self, home: Path) -> None:
        program = QueueProgram(home)
        c, py = Both(home).run(["joe"], b"To: (joe\n\nx\n", {"QMAILQUEUE": program.path})
        assert py == c
        [first, second] = program.kept()
        assert first[1] == second[1]

    def test_a_message_for_nobody_may_be_refused(self, home: Path) -> None:
        program = QueueProgram(home)
        c, py = Both(home).run([], b"Subject: x\n\n", {"QMAILQUEUE": program.path, "QMAILINJECT": "n"})
        assert c.status == 0
        assert (py.status, py.stderr) == (100, b"qmail-inject: fatal: no recipients\n")


def rewritten(message: bytes, environ: Mapping[bytes, bytes], sender: bytes | None) -> tuple[int, bytes]:
    """What `qmail-inject -n` would end with and say."""
    try:
        names = Hostnames(
            environ[b"QMAILDEFAULTHOST"], environ[b"QMAILDEFAULTDOMAIN"], environ[b"QMAILPLUSDOMAIN"]
        )
        header = Header(Identity(environ), names, None if sender is None else argument(sender, names))
        lines = Lines([message])
        begun = qmail_inject.read_header(lines, header)
        first = b"".join([*header.finish(1_000_000_000, 4242, environ[b"QMAILIDHOST"]), *begun])
    except t.Unreadable as error:
        return 100, b"qmail-inject: fatal: unable to parse this line:\n" + error.text
    path = b"Return-Path: <" + quoted(as_c_string(header.sender or b"")) + b">\n"
    return 0, path + first + b"".join(qmail_inject.ended(lines.rest()))


def values() -> st.SearchStrategy[bytes]:
    return words().map(lambda text: text.translate(None, b"\0\n"))


def environments() -> st.SearchStrategy[dict[str, bytes]]:
    usual = {name: st.just(value.encode()) for name, value in ENVIRONMENT.items()}
    odd = {name: values() for name in ENVIRONMENT}
    more = {name: values() for name in ("QMAILHOST", "QMAILSHOST", "QMAILSUSER", "QMAILNAME")}
    letters = {"QMAILINJECT": st.text("cfimrs", max_size=3).map(str.encode)}
    return st.fixed_dictionaries(usual, optional={**more, **letters}) | st.fixed_dictionaries(odd)


@pytest.mark.slow
@given(message=messages(), environ=environments(), sender=st.none() | values())
def test_anything_is_printed_alike(message: bytes, environ: dict[str, bytes], sender: bytes | None) -> None:
    by = [] if sender is None else [b"-f", sender]
    passed = {name: os.fsdecode(value) for name, value in environ.items()}
    c = run([qmail_peer("qmail-inject"), "-n", *by], message, env=passed)
    variables = {name.encode(): value for name, value in environ.items()}
    status, said = rewritten(message, variables, sender)
    assert (status, same_stamps(said)) == (c.status, same_stamps(c.stdout if c.status == 0 else c.stderr))


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    py = run([ours("qmail-inject")], b"To: t\n\n", env={"QMAILHOME": str(tmp_path / "none")})
    assert (py.status, py.stderr) == (111, b"qmail-inject: fatal: internal bug\n")
