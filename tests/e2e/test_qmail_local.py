"""What qmail-local does with each kind of .qmail file: expected here, and asked of the original where it is.

Not tested: a lock that is held for 30 seconds, and a day's delivery (tests/unit/store has both with less).
"""

from __future__ import annotations

import mailbox
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.deliveries import MESSAGE, Address, Left, deliver, found, make_home
from tests.support.originals import qmail_peer
from tests.support.run import TIMEOUT, ours, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ANN = Address()
LIST = Address(local=b"ann-List.x", dash=b"-", ext=b"List.x")
HEAD = ANN.head
FROM = b"From joe@example.com DATE\n"
QUOTED = MESSAGE.replace(b"From here", b">From here").replace(b">From there", b">>From there")
QUOTED = QUOTED.replace(b">>From afar", b">>>From afar")
MBOX = FROM + HEAD + QUOTED + b"\n"
COPY = HEAD + MESSAGE
NO_MAILBOX = b"Sorry, no mailbox here by that name. (#5.1.1)\n"


def forwarded(
    *recipients: bytes, sender: bytes = b"joe@example.com", address: Address = ANN
) -> tuple[bytes, bytes]:
    to = b"".join(b"T%b\0" % recipient for recipient in recipients)
    line = b"Delivered-To: %b@%b\n" % (address.local, address.host)
    return line + MESSAGE, b"F%b\0%b\0" % (sender, to)


def did(files: int, forwards: int, programs: int, *, queued: bool = False) -> bytes:
    return b"did %d+%d+%d\n" % (files, forwards, programs) + (b"qp PID\n" if queued else b"")


# Name: the files of the home, the address, what is left.
CASES: dict[str, tuple[Mapping[str, bytes], Address, Left]] = {
    "no .qmail": ({}, ANN, Left(0, did(1, 0, 0), b"", {"Mailbox": MBOX})),
    "an empty .qmail": ({".qmail": b""}, ANN, Left(0, did(1, 0, 0), b"", {"Mailbox": MBOX})),
    "an empty .qmail with x": ({".qmail+x": b""}, ANN, Left(0, did(1, 0, 0), b"", {"Mailbox": MBOX})),
    "a default of two lines": (
        {},
        Address(default=b"./Maildir/\n./Mailbox\n"),
        Left(0, did(2, 0, 0), b"", {"Maildir/new/1": COPY, "Mailbox": MBOX}),
    ),
    "a default that is a forward": (
        {},
        Address(default=b"bob"),
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob")]),
    ),
    "an empty default": ({}, Address(default=b""), Left(111, b"", b"Uh-oh: first line of .qmail file is blank. (#4.2.1)\n")),
    "comments only": ({".qmail": b"# nothing\n#\n"}, ANN, Left(0, did(0, 0, 0))),
    "a maildir": ({".qmail": b"./Maildir/"}, ANN, Left(0, did(1, 0, 0), b"", {"Maildir/new/1": COPY})),
    "a maildir thrice": (
        {".qmail": b"./Maildir/\n./Maildir/ \t\n\n./Maildir/"},
        ANN,
        Left(0, did(3, 0, 0), b"", {f"Maildir/new/{number}": COPY for number in (1, 2, 3)}),
    ),
    "no such maildir": (
        {".qmail": b"./Nowhere/\n./Mailbox\n"},
        ANN,
        Left(111, b"", b"Unable to chdir to maildir. (#4.2.1)\n"),
    ),
    "a maildir without tmp": (
        {".qmail": b"././/\n"},
        ANN,
        Left(111, b"", b"Temporary error on maildir delivery. (#4.3.0)\n"),
    ),
    "an mbox that is there": (
        {".qmail": b"./old\n", "old": b"From x\n\nold\n\n"},
        ANN,
        Left(0, did(1, 0, 0), b"", {"old": b"From x\n\nold\n\n" + MBOX}),
    ),
    "an mbox that is a directory": (
        {".qmail": b"./Maildir\n"},
        ANN,
        Left(111, b"", b"Unable to open ./Maildir: is a directory. (#4.2.1)\n"),
    ),
    "an mbox nowhere": (
        {".qmail": b"./nowhere/mbox\n"},
        ANN,
        Left(111, b"", b"Unable to open ./nowhere/mbox: file does not exist. (#4.2.1)\n"),
    ),
    "an mbox on a full disk": (
        {".qmail": b"/dev/full\n"},
        ANN,
        Left(111, b"", b"Unable to write /dev/full: out of disk space. (#4.3.0)\n"),
    ),
    "an mbox that cannot be synced": (
        {".qmail": b"/dev/null\n"},
        ANN,
        Left(111, b"", b"Unable to write /dev/null: invalid argument. (#4.3.0)\n"),
    ),
    "forwards": (
        {".qmail": b"&bob@example.net\ncarol \t\n&\n# no\n& dave\n"},
        ANN,
        Left(0, did(0, 4, 0, queued=True), b"", {}, [forwarded(b"bob@example.net", b"carol", b"", b" dave")]),
    ),
    "a program": (
        {".qmail": b"|cat >copy; echo said; echo complained >&2\n"},
        ANN,
        Left(0, b"said\n" + did(0, 0, 1), b"complained\n", {"copy": MESSAGE}),
    ),
    "two programs read it all": (
        {".qmail": b"|cat >copy\n|cat >again\n./Maildir/\n"},
        ANN,
        Left(0, did(1, 0, 2), b"", {"copy": MESSAGE, "again": MESSAGE, "Maildir/new/1": COPY}),
    ),
    "a program that does not exist": (
        {".qmail": b"|/nowhere\n"},
        ANN,
        Left(111, b"", b"/bin/sh: 1: /nowhere: not found\n"),
    ),
    "a program that crashes": (
        {".qmail": b"|kill -9 $$\n./Mailbox\n"},
        ANN,
        Left(111, b"", b"Aack, child crashed. (#4.3.0)\n"),
    ),
    "99 ends it, with the forwards before it": (
        {".qmail": b"&bob\n|exit 99\n&carol\n./Mailbox\n"},
        ANN,
        Left(0, did(0, 1, 1, queued=True), b"", {}, [forwarded(b"bob")]),
    ),
    "a failure keeps forwards from being made": (
        {".qmail": b"&bob\n./Maildir/\n|exit 100\n"},
        ANN,
        Left(100, b"", b"", {"Maildir/new/1": COPY}),
    ),
    "x allows forwards": (
        {".qmail+x": b"&bob\n"},
        ANN,
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob")]),
    ),
    "x forbids files": (
        {".qmail+x": b"&bob\n./Mailbox\n"},
        ANN,
        Left(111, b"", b"Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)\n"),
    ),
    "x forbids maildirs": (
        {".qmail+x": b"./Maildir/\n"},
        ANN,
        Left(111, b"", b"Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)\n"),
    ),
    "x forbids programs": (
        {".qmail+x": b"|true\n"},
        ANN,
        Left(111, b"", b"Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)\n"),
    ),
    "+list forbids what comes behind it": (
        {".qmail": b"./Mailbox\n+list\n&bob\n|true\n"},
        ANN,
        Left(111, b"", b"Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)\n", {"Mailbox": MBOX}),
    ),
    "another plus is nothing": ({".qmail": b"+lists\n+\n./Mailbox\n"}, ANN, Left(0, did(1, 0, 0), b"", {"Mailbox": MBOX})),
    "a blank first line": (
        {".qmail": b" \t\n./Mailbox\n"},
        ANN,
        Left(111, b"", b"Uh-oh: first line of .qmail file is blank. (#4.2.1)\n"),
    ),
    "a .qmail that others may write": (
        {".qmail+w": b"./Mailbox\n"},
        ANN,
        Left(111, b"", b"Uh-oh: .qmail file is writable. (#4.7.0)\n"),
    ),
    "zero bytes": (
        {".qmail": b"./box\0hidden/\n\0./Mailbox\n|echo yes\0no\nbob\0carol\n"},
        ANN,
        Left(
            111,
            b"",
            b"Unable to chdir to maildir. (#4.2.1)\n",
        ),
    ),
    "zero bytes, going on": (
        {".qmail": b"./box\0hidden\n\0./Mailbox\n|echo yes\0no\nbob\0carol\n"},
        ANN,
        Left(0, b"yes\n" + did(1, 1, 1, queued=True), b"", {"box": MBOX}, [forwarded(b"bob")]),
    ),
    # extensions
    "an extension": ({".qmail-list:x": b"./list\n"}, LIST, Left(0, did(1, 0, 0), b"", {"list": FROM + LIST.head + QUOTED + b"\n"})),
    "no extension": ({".qmail": b"./Mailbox\n"}, LIST, Left(100, b"", NO_MAILBOX)),
    "an empty extension file": ({".qmail-list:x": b""}, LIST, Left(0, did(1, 0, 0), b"", {"Mailbox": FROM + LIST.head + QUOTED + b"\n"})),
    "the default": (
        {".qmail-default": b'|echo "$DEFAULT $EXT"\n'},
        LIST,
        Left(0, b"List.x List.x\n" + did(0, 0, 1)),
    ),
    "the nearest default": (
        {".qmail-default": b"|echo far\n", ".qmail-a-b-default": b'|echo "$DEFAULT"\n', ".qmail-a-default": b"|echo mid\n"},
        Address(local=b"ann-A-b-c", dash=b"-", ext=b"A-b-c"),
        Left(0, b"c\n" + did(0, 0, 1)),
    ),
    "a default for nothing behind the dash": (
        {".qmail-a-default": b'|echo "[$DEFAULT]"\n'},
        Address(local=b"ann-a-", dash=b"-", ext=b"a-"),
        Left(0, b"[]\n" + did(0, 0, 1)),
    ),
    "no default for a part of a word": (
        {".qmail-a-default": b"|echo no\n"},
        Address(local=b"ann-ab", dash=b"-", ext=b"ab"),
        Left(100, b"", NO_MAILBOX),
    ),
    "an address that is called default": (
        {".qmail-x-default": b'|echo "$DEFAULT"\n'},
        Address(local=b"ann-x-Default", dash=b"-", ext=b"x-Default"),
        Left(0, b"Default\n" + did(0, 0, 1)),
    ),
    "a default without a dash": ({".qmaildefault": b"./odd\n"}, ANN, Left(0, did(1, 0, 0), b"", {"odd": MBOX})),
    "an extension cannot lead out": (
        {".qmail-default": b"./Mailbox\n"},
        Address(local=b"x", dash=b"-", ext=b"../../etc/passwd"),
        Left(0, did(1, 0, 0), b"", {"Mailbox": FROM + Address(local=b"x").head + QUOTED + b"\n"}),
    ),
    "an extension with a slash": (
        {".qmail-default": b"./Mailbox\n"},
        Address(local=b"x", dash=b"-", ext=b"a/b"),
        Left(0, did(1, 0, 0), b"", {"Mailbox": FROM + Address(local=b"x").head + QUOTED + b"\n"}),
    ),
    "a very long extension": (
        {".qmail-default": b"./Mailbox\n"},
        Address(local=b"x", dash=b"-", ext=b"a" * 300),
        Left(0, did(1, 0, 0), b"", {"Mailbox": FROM + Address(local=b"x").head + QUOTED + b"\n"}),
    ),
    # owners
    "an owner": (
        {".qmail-list:x": b"&bob\n", ".qmail-list:x-owner": b""},
        LIST,
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob", sender=b"ann-List.x-owner@example.org", address=LIST)]),
    ),
    "an owner for each recipient": (
        {".qmail-list:x": b"&bob\n", ".qmail-list:x-owner": b"", ".qmail-list:x-owner-default": b""},
        LIST,
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob", sender=b"ann-List.x-owner-@example.org-@[]", address=LIST)]),
    ),
    "only an owner for each recipient": (
        {".qmail-list:x": b"&bob\n", ".qmail-list:x-owner-default": b""},
        LIST,
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob", address=LIST)]),
    ),
    "an owner does not take a bounce's place": (
        {".qmail": b'&bob\n|echo "<$NEWSENDER>"\n', ".qmail-owner": b""},
        Address(sender=b""),
        Left(0, b"<>\n" + did(0, 1, 1, queued=True), b"", {}, [forwarded(b"bob", sender=b"")]),
    ),
    "an owner does not take a double bounce's place": (
        {".qmail": b"&bob\n", ".qmail-owner": b""},
        Address(sender=b"#@[]"),
        Left(0, did(0, 1, 0, queued=True), b"", {}, [forwarded(b"bob", sender=b"#@[]")]),
    ),
    # above the message
    "a sender that needs quotes": (
        {".qmail": b"./Maildir/\n./Mailbox\n"},
        Address(sender=b'a "b\n\tc@x y'),
        Left(
            0,
            did(2, 0, 0),
            b"",
            {
                "Maildir/new/1": b'Return-Path: <"a \\"b\\_\tc"@x y>\nDelivered-To: ann@example.org\n' + MESSAGE,
                "Mailbox": b'From a-"b--c@x-y DATE\nReturn-Path: <"a \\"b\\_\tc"@x y>\nDelivered-To: ann@example.org\n'
                + QUOTED
                + b"\n",
            },
        ),
    ),
    "a bounce": (
        {".qmail": b"./Mailbox\n"},
        Address(sender=b""),
        Left(0, did(1, 0, 0), b"", {"Mailbox": b"From MAILER-DAEMON DATE\nReturn-Path: <>\nDelivered-To: ann@example.org\n" + QUOTED + b"\n"}),
    ),
    "a recipient with a newline": (
        {".qmail": b"./Maildir/\n"},
        Address(local=b"a\nb"),
        Left(0, did(1, 0, 0), b"", {"Maildir/new/1": b"Return-Path: <joe@example.com>\nDelivered-To: a_b@example.org\n" + MESSAGE}),
    ),
    # -n
    "-n shows": (
        {".qmail": b"./Maildir/ \n/a/box\n|cmd  x \n&bob \ncarol\n# no\n\n+list\n&x\0y\n"},
        Address(options=(b"-n",)),
        Left(
            0,
            b"maildir ./Maildir/\nmbox /a/box\nprogram cmd  x\nforward bob\nforward carol\nforward x\0y\n" + did(2, 3, 1),
        ),
    ),
    "-n with -N after it does it": ({".qmail": b"./Mailbox\n"}, Address(options=(b"-nN",)), Left(0, did(1, 0, 0), b"", {"Mailbox": MBOX})),
    "-n sees x": (
        {".qmail+x": b"&bob\n./Mailbox\n"},
        Address(options=(b"-n",)),
        Left(111, b"forward bob\n", b"Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)\n"),
    ),
}  # fmt: skip


def both_programs() -> list[str]:
    """Ours, and the original where it is."""
    return [
        ours("qmail-local"),
        *([qmail_peer("qmail-local")] if os.environ.get("QMAIL_PEER") else []),
    ]


def both(place: Path, content: Mapping[str, bytes], address: Address, **how: object) -> Left:
    """What ours left, after seeing that the original leaves the same, where there is one."""
    left = deliver(ours("qmail-local"), place / "ours", content, address, **how)  # type: ignore[arg-type]
    if os.environ.get("QMAIL_PEER"):
        theirs = deliver(qmail_peer("qmail-local"), place / "theirs", content, address, **how)  # type: ignore[arg-type]
        assert left == theirs
    return left


@pytest.mark.parametrize("name", CASES)
def test_a_delivery(name: str, tmp_path: Path) -> None:
    content, address, expected = CASES[name]
    assert both(tmp_path, content, address) == expected


@pytest.mark.parametrize(
    ("message", "mbox"),
    [
        (b"", b""),
        (b"\n", b"\n"),
        (b"x", b"x\n"),
        (b"From ", b">From \n"),
        (b"From", b"From\n"),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n.\r\n"),
        (b"a\n\n>>", b"a\n\n>>\n"),
        (b"x: y\n\n" + b"z" * 200_000, b"x: y\n\n" + b"z" * 200_000 + b"\n"),
    ],
)
def test_any_message_arrives_whole(message: bytes, mbox: bytes, tmp_path: Path) -> None:
    content = {".qmail": b"./Maildir/\n./Mailbox\n&bob\n|cat >copy\n"}
    assert both(tmp_path, content, ANN, message=message) == Left(
        0,
        did(2, 1, 1, queued=True),
        b"",
        {"Maildir/new/1": HEAD + message, "Mailbox": FROM + HEAD + mbox + b"\n", "copy": message},
        [(b"Delivered-To: ann@example.org\n" + message, b"Fjoe@example.com\0Tbob\0\0")],
    )


@pytest.mark.parametrize(
    ("message", "loops"),
    [
        (b"Delivered-To: ann@example.org\n\n", True),
        (b"Subject: x\nDelivered-To: ann@example.org\n", True),
        (b"Subject: x\nDelivered-To: ann@example.org", False),
        (b"Delivered-To: Ann@example.org\n\n", False),
        (b"delivered-to: ann@example.org\n\n", False),
        (b"Delivered-To: ann@example.org \n\n", False),
        (b" Delivered-To: ann@example.org\n\n", False),
        (b"Subject: x\n\nDelivered-To: ann@example.org\n", False),
        (b"\nDelivered-To: ann@example.org\n", False),
        (b"x: " + b"y" * 65530 + b"\nDelivered-To: ann@example.org\n\n", True),
        (b"x: y\n" * 40_000 + b"Delivered-To: ann@example.org\n\n", True),
    ],
)  # fmt: skip
def test_a_loop(message: bytes, loops: bool, tmp_path: Path) -> None:
    left = both(tmp_path, {".qmail": b"|true\n"}, ANN, message=message)
    if loops:
        text = b"This message is looping: it already has my Delivered-To line. (#5.4.6)\n"
        assert left == Left(100, b"", text)
    else:
        assert left == Left(0, did(0, 0, 1))


@pytest.mark.parametrize("default", [b"#", b"./Mailbox"])
def test_a_loop_in_a_message_of_which_some_was_read(default: bytes, tmp_path: Path) -> None:
    """Where whoever calls us has read the header, as a script does."""
    home = make_home(tmp_path, {})
    message = tmp_path / "message"
    message.write_bytes(b"Delivered-To: ann@example.org\n\nbody\n")
    for program in both_programs():
        with message.open("rb", buffering=0) as stdin:
            stdin.read(30)
            argv = [program, *Address(default=default).words(home)]
            done = subprocess.run(argv, stdin=stdin, capture_output=True, timeout=TIMEOUT, check=False)
        text = b"This message is looping: it already has my Delivered-To line. (#5.4.6)\n"
        assert (done.returncode, done.stdout, done.stderr) == (100, b"", text)


@pytest.mark.parametrize(
    "address", [Address(default=b"#"), Address(dash=b"-", ext=b"nobody")], ids=["nothing to do", "no mailbox"]
)
def test_a_message_by_a_pipe(address: Address, tmp_path: Path) -> None:
    """Whatever is to be done with it: whether it loops cannot be told."""
    home = make_home(tmp_path, {})
    for program in both_programs():
        done = run([program, *address.words(home)], MESSAGE, env={})
        assert (done.status, done.stdout, done.stderr) == (111, b"", b"Unable to rewind message. (#4.3.0)\n")


def test_what_a_program_ended_with(tmp_path: Path) -> None:
    """All statuses there are, one home for each kind, by a program that says them in turn."""
    hard = {100, 64, 65, 70, 76, 77, 78, 112}
    for status in sorted({*hard, 0, 1, 63, 66, 71, 74, 75, 99, 101, 111, 113, 126, 255}):
        left = both(tmp_path / str(status), {".qmail": b"|exit %d\n|echo next\n" % status}, ANN)
        if status == 0:
            assert left == Left(0, b"next\n" + did(0, 0, 2))
        elif status == 99:
            assert left == Left(0, did(0, 0, 1))
        else:
            assert left == Left(100 if status in hard else 111)


def test_the_environment_of_a_program(tmp_path: Path) -> None:
    address = Address(
        local=b"ann-a-b--c-d",
        dash=b"-",
        ext=b"a-b--c-d",
        host=b"x.y..example.org",
        sender=b"j d@h",
        user=b"usr",
    )
    wanted = b"HOST HOME USER LOCAL RECIPIENT DTLINE SENDER RPLINE UFLINE EXT EXT2 EXT3 EXT4 HOST2 HOST3 HOST4 DEFAULT NEWSENDER"
    script = b'|for v in %b; do eval "printf \'%%s=%%s;\' $v \\"\\$$v\\""; done; pwd; umask\n' % wanted
    left = both(tmp_path, {".qmail-default": script}, address, env={"DEFAULT": "old", "EXT4": "old"})
    assert left.stdout == (
        b"HOST=x.y..example.org;HOME=HOME;USER=usr;LOCAL=ann-a-b--c-d;RECIPIENT=ann-a-b--c-d@x.y..example.org;"
        b"DTLINE=Delivered-To: ann-a-b--c-d@x.y..example.org\n;SENDER=j d@h;"
        b'RPLINE=Return-Path: <"j d"@h>\n;UFLINE=From j-d@h DATE\n;'
        b"EXT=a-b--c-d;EXT2=b--c-d;EXT3=-c-d;EXT4=c-d;HOST2=x.y..example;HOST3=x.y.;HOST4=x.y;"
        b"DEFAULT=a-b--c-d;NEWSENDER=j d@h;HOME\n0077\ndid 0+0+1\n"
    )


def test_a_program_has_signals_and_descriptors_as_if_started_by_a_shell(tmp_path: Path) -> None:
    script = b"|ls /proc/self/fd; grep -E '^(Sig[BIC]|Shd)' /proc/self/status\n"
    assert both(tmp_path, {".qmail": script}, ANN).status == 0


@pytest.mark.parametrize(
    ("then", "status", "text"),
    [
        ("exit 31", 100, b"mail server permanently rejected message (#5.3.0)"),
        ("exit 53", 111, b"qq write error or disk full (#4.3.0)"),
        ("exit 1", 111, b"qq temporary problem (#4.3.0)"),
        ("exit 40", 100, b"qq permanent problem (#5.3.0)"),
        ("kill -9 $$", 111, b"qq crashed (#4.3.0)"),
        ("printf 'Dno, thank you' >&6; exit 82", 100, b"no, thank you"),
        ("printf 'Znot now' >&6; exit 82", 111, b"not now"),
    ],
)
def test_a_forward_fails(then: str, status: int, text: bytes, tmp_path: Path) -> None:
    left = both(tmp_path, {".qmail": b"./Maildir/\n&bob\n"}, ANN, then=then)
    assert (left.status, left.stdout) == (status, b"")
    assert left.stderr == b"Unable to forward message: " + text + b".\n"
    assert left.files == {"Maildir/new/1": COPY}


def test_no_queue_program(tmp_path: Path) -> None:
    left = both(tmp_path, {".qmail": b"&bob\n"}, ANN, env={"QMAILQUEUE": "/nowhere"})
    assert left == Left(111, b"", b"Unable to forward message: unable to exec qq (#4.3.0).\n")


def test_the_queue_program_of_the_home_is_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "place/qmail/bin").mkdir(parents=True)
    program = tmp_path / "place/qmail/bin/qmail-queue"
    program.write_text("#!/bin/sh\ncat >../message; cat <&1 >../envelope\n")
    program.chmod(0o755)
    env = {"QMAILHOME": str(tmp_path / "place/qmail")}
    home = make_home(tmp_path / "place", {".qmail": b"&bob\n"})
    (tmp_path / "m").write_bytes(MESSAGE)
    words = [ours("qmail-local"), *ANN.words(home)]
    done = run(["sh", "-c", 'exec "$@" <"$0"', str(tmp_path / "m"), *words], env=env)
    assert done.status == 0
    assert (tmp_path / "place/message").read_bytes() == forwarded(b"bob")[0]


@pytest.mark.parametrize("arguments", [[], [b"-x"], [b"a"] * 7, [b"a"] * 9, [b"a", b"relative", *[b"x"] * 6]])
def test_usage(arguments: list[bytes]) -> None:
    done = run([ours("qmail-local"), *arguments])
    assert done.status == 100
    usage = b"usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty\n"
    assert done.stderr.endswith(b"qmail-local: " + usage)
    if os.environ.get("QMAIL_PEER"):
        assert run([qmail_peer("qmail-local"), *arguments]) == done


class TestTheHome:
    """Nothing is delivered where others could have a hand in it."""

    def both(self, tmp_path: Path, mode: int | None, *options: bytes) -> tuple[int, bytes, bytes]:
        home = make_home(tmp_path, {".qmail": b"./Mailbox\n"})
        if mode is not None:
            home.chmod(mode)
        else:
            home.rename(tmp_path / "elsewhere")
        address = Address(options=options)
        results = []
        for program in both_programs():
            done = run([program, *address.words(home)], MESSAGE, env={})
            results.append((done.status, done.stdout, done.stderr.replace(bytes(home), b"HOME")))
        assert not (home / "Mailbox").exists()
        assert results[0] == results[-1]
        return results[0]

    def test_writable(self, tmp_path: Path) -> None:
        text = b"Uh-oh: home directory is writable. (#4.7.0)\n"
        assert self.both(tmp_path, 0o777) == (111, b"", text)

    def test_sticky(self, tmp_path: Path) -> None:
        text = b"Home directory is sticky: user is editing his .qmail file. (#4.2.1)\n"
        assert self.both(tmp_path, 0o1755) == (111, b"", text)

    def test_sticky_and_only_asked(self, tmp_path: Path) -> None:
        text = b"Warning: home directory is sticky.\n"
        assert self.both(tmp_path, 0o1755, b"-n") == (0, b"mbox ./Mailbox\n" + did(1, 0, 0), text)

    def test_missing(self, tmp_path: Path) -> None:
        text = b"Unable to switch to HOME: file does not exist. (#4.3.0)\n"
        assert self.both(tmp_path, None) == (111, b"", text)

    def test_a_message_that_cannot_be_rewound(self, tmp_path: Path) -> None:
        text = b"Unable to rewind message. (#4.3.0)\n"
        assert self.both(tmp_path, 0o755) == (111, b"", text)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
    def test_a_dot_qmail_that_may_not_be_read(self, tmp_path: Path) -> None:
        left = both(tmp_path, {".qmail+none": b"./Mailbox\n"}, ANN)
        assert left == Left(111, b"", b"Unable to open .qmail: access denied. (#4.3.0)\n")

    def test_a_dot_qmail_that_is_no_file(self, tmp_path: Path) -> None:
        """It is passed over, whatever it is."""
        home = make_home(tmp_path, {})
        (home / ".qmail").mkdir()
        os.mkfifo(home / ".qmail-fifo")
        for address in (ANN, Address(dash=b"-", ext=b"fifo", options=(b"-n",))):
            done = run(
                ["sh", "-c", 'exec "$@" </dev/null', "sh", ours("qmail-local"), *address.words(home)], env={}
            )
            assert done.status == (100 if address.dash else 0), done


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """The mbox is cut back, and nothing is left in the maildir. The limit stands for the disk."""
    big = MESSAGE + b"x" * 100_000
    for name, text in {
        "Maildir/": b"Temporary error on maildir delivery. (#4.3.0)\n",
        "old": b"Unable to write ./old: file too big. (#4.3.0)\n",
    }.items():
        content = {".qmail": b"./%b\n" % name.encode(), "old": b"From x\n\nold\n\n"}
        place = tmp_path / name
        program = ["prlimit", "--fsize=80000", ours("qmail-local")]
        assert deliver(program, place, content, ANN, big) == Left(111, b"", text)


# In a file system of its own, of 100 KB: what is left there is told by who mounted it, for nobody else sees it.
SMALL_DISK = """
mount -t tmpfs -o size=100k,mode=755 none "$1" && cd "$1" && mkdir -p Maildir/tmp Maildir/new Maildir/cur || exit 99
printf 'From x\\n\\nold\\n\\n' >old
message=$2; shift 2
"$@" <"$message"; echo "status $?"
find . -type f -size +0; cat old
"""


@pytest.mark.parametrize(
    ("mailbox_line", "text"),
    [
        ("./Maildir/", b"Temporary error on maildir delivery. (#4.3.0)\n"),
        ("./old", b"Unable to write ./old: out of disk space. (#4.3.0)\n"),
    ],
)
def test_a_small_disk(mailbox_line: str, text: bytes, tmp_path: Path) -> None:
    home = make_home(tmp_path, {})
    (tmp_path / "message").write_bytes(MESSAGE + b"x" * 200_000)
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    words = Address(default=mailbox_line.encode()).words(home)
    argv = [
        *alone,
        "sh",
        "-c",
        SMALL_DISK,
        "sh",
        str(home),
        str(tmp_path / "message"),
        ours("qmail-local"),
        *words,
    ]
    done = run(argv, env={})
    if done.status == 99 or b"status" not in done.stdout:
        pytest.skip("this user may not mount")
    assert done.stdout == b"status 111\n./old\nFrom x\n\nold\n\n"
    assert done.stderr == text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_may_not_be_written(tmp_path: Path) -> None:
    home = make_home(tmp_path, {".qmail": b"./Maildir/\n"})
    (home / "Maildir/new").chmod(0o500)
    (tmp_path / "m").write_bytes(MESSAGE)
    words = [ours("qmail-local"), *ANN.words(home)]
    done = run(["sh", "-c", 'exec "$@" <"$0"', str(tmp_path / "m"), *words], env={})
    (home / "Maildir/new").chmod(0o700)
    assert (done.status, done.stderr) == (111, b"Temporary error on maildir delivery. (#4.3.0)\n")
    assert found(home, {".qmail": b"./Maildir/\n"}) == {}


def test_pythons_mailbox_module_reads_it_back(tmp_path: Path) -> None:
    message = b"Subject: to be read\n\nFrom the body\nlast line\n"
    left = deliver(
        ours("qmail-local"), tmp_path, {".qmail": b"./Maildir/\n./Mailbox\n./Mailbox\n"}, ANN, message
    )
    assert left.status == 0
    home = tmp_path / "home"
    for read in (mailbox.Maildir(home / "Maildir", create=False), mailbox.mbox(home / "Mailbox")):
        found_in_it = list(read)
        read.close()
        assert len(found_in_it) == (1 if isinstance(read, mailbox.Maildir) else 2)
        for each in found_in_it:
            assert each["Return-Path"] == "<joe@example.com>"
            assert each["Delivered-To"] == "ann@example.org"
            assert each["Subject"] == "to be read"
            quoted = b"" if isinstance(read, mailbox.Maildir) else b">"
            assert each.get_payload(decode=True) == quoted + b"From the body\nlast line\n"


def test_modes_of_what_is_made(tmp_path: Path) -> None:
    deliver(ours("qmail-local"), tmp_path, {".qmail": b"./Maildir/\n./Mailbox\n"}, ANN)
    [message] = (tmp_path / "home/Maildir/new").iterdir()
    assert message.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home/Mailbox").stat().st_mode & 0o777 == 0o600


def test_many_at_once_into_one_mbox_and_one_maildir(tmp_path: Path) -> None:
    home = make_home(tmp_path, {".qmail": b"./Maildir/\n./Mailbox\n"})
    (tmp_path / "m").write_bytes(MESSAGE)
    words = [ours("qmail-local"), *ANN.words(home)]
    started = []
    try:
        for _ in range(12):
            with (tmp_path / "m").open("rb") as message:
                started.append(subprocess.Popen(words, stdin=message, stdout=subprocess.DEVNULL))
        assert [process.wait(TIMEOUT) for process in started] == [0] * 12
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert len(list((home / "Maildir/new").iterdir())) == 12
    assert not list((home / "Maildir/tmp").iterdir())
    box = mailbox.mbox(home / "Mailbox")
    assert len(box) == 12
    box.close()


class TestBetter:
    """Where ours differs, because the original could lose something."""

    def test_an_mbox_that_ends_within_a_line(self, tmp_path: Path) -> None:
        left = deliver(ours("qmail-local"), tmp_path, {".qmail": b"./old\n", "old": b"From x\n\ncut of"}, ANN)
        assert left.files == {"old": b"From x\n\ncut of\n\n" + MBOX}

    def test_a_dot_qmail_beyond_all_measure(self, tmp_path: Path) -> None:
        home = make_home(tmp_path, {".qmail": b"./Mailbox\n"})
        os.truncate(home / ".qmail", 64 * 1024 * 1024 + 1)
        done = run([ours("qmail-local"), *Address(options=(b"-n",)).words(home)], env={})
        assert (done.status, done.stderr) == (111, b"Out of memory. (#4.3.0)\n")
        os.truncate(home / ".qmail", 1024 * 1024)
        done = run([ours("qmail-local"), *Address(options=(b"-n",)).words(home)], env={})
        assert done.status == 0
