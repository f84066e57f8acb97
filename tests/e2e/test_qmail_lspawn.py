"""qmail-lspawn: who gets a delivery, as whom it is made, and what is said of it.

As root, deliveries are made as another user, as on a mail host; else as ourselves. The original is asked
too where it is, which needs root. Not tested: a system without memory or processes.
"""

from __future__ import annotations

import os
import pwd
import re
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import spawn
from smarthost.policy import lspawn
from tests.support import processes
from tests.support.homes import messages
from tests.support.mailhome import GID, IS_ROOT, MESSAGE, UID, MailHome
from tests.support.peerhome import peer_in_home
from tests.support.run import ours, run
from tests.support.spawning import Spawning
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIVERED = b"Kdid 1+0+0\n"


@pytest.fixture
def home() -> Iterator[MailHome]:
    with MailHome() as made:
        made.user("joe", {".qmail": b"./Maildir/\n", ".qmail-ext": b'|echo "$EXT at $HOST for $SENDER"\n'})
        made.user("alias", {".qmail-default": b'|echo "alias $DEFAULT"; exit 0\n'})
        made.assign(
            "+:alias:USER:PLACE/alias:-::",
            "+joe-:joe:USER:PLACE/joe:-::",
            "=joe:joe:USER:PLACE/joe:::",
            "=root:root:0:0:/:::",
            "=text:joe:some:thing:PLACE/joe:::",
            "=big:joe:9999999999:1:PLACE/joe:::",
            "=none:joe:4294967295:1:PLACE/joe:::",
            "=other:other:54999:54999:PLACE/joe:::",
            "=homeless:joe:USER:PLACE/nowhere:::",
            "=Upper:joe:USER:PLACE/joe:-:ext:",
        )
        yield made


def ask(
    home: MailHome, recipients: list[bytes], default: str = "./Mailbox", file: bytes = b"0/1"
) -> list[bytes]:
    """What is reported on each, by ours."""
    with Spawning([ours("qmail-lspawn"), default], home.env) as started:
        return _ask(started, recipients, file)


def _ask(started: Spawning, recipients: list[bytes], file: bytes) -> list[bytes]:
    assert started.concurrency() == spawn.CONCURRENCY
    for number, recipient in enumerate(recipients):
        started.ask(number, file, b"sender@example.com", recipient)
    reports = started.reports(len(recipients))
    assert started.end() == (0, b"")
    assert started.stderr() == b""
    return [reports[number] for number in range(len(recipients))]


def test_a_maildir(home: MailHome) -> None:
    assert ask(home, [b"joe@example.org"]) == [DELIVERED]
    [message] = (home.place / "users/joe/Maildir/new").iterdir()
    head = b"Return-Path: <sender@example.com>\nDelivered-To: joe@example.org\n"
    assert message.read_bytes() == head + MESSAGE
    assert (message.stat().st_uid, message.stat().st_gid) == (UID, GID)


CASES = {
    b"JOE@x": DELIVERED,
    b"Al-Ext@x@y": b"Kalias Al-Ext@x\ndid 0+0+1\n",
    b"joe-ext@Example.ORG": b"Kext at Example.ORG for sender@example.com\ndid 0+0+1\n",
    b"joe-none@x": b"DSorry, no mailbox here by that name. (#5.1.1)\n",
    b"Bill@x": b"Kalias Bill\ndid 0+0+1\n",
    b"upper@x": b"Kext at x for sender@example.com\ndid 0+0+1\n",
    b"@x": b"K",
    b"joe": spawn.NO_HOST,
    b"homeless@x": b"ZUnable to switch to PLACE/nowhere: file does not exist. (#4.3.0)\n",
    b"root@x": lspawn.TEXTS[lspawn.ROOT if IS_ROOT else lspawn.USAGE],
    b"text@x": lspawn.TEXTS[lspawn.ROOT if IS_ROOT else lspawn.USAGE],
}  # fmt: skip


def test_reports(home: MailHome) -> None:
    reports = ask(home, list(CASES))
    place = os.fsencode(home.place / "users")
    assert dict(zip(CASES, reports, strict=True)) == {
        recipient: text.replace(b"PLACE", place) for recipient, text in CASES.items()
    }


@pytest.mark.skipif(not IS_ROOT, reason="the original needs root")
def test_the_original_reports_the_same(home: MailHome) -> None:
    words = peer_in_home("qmail-lspawn", home.qmail)
    account = pwd.getpwnam("qmailq")
    home.give_to(account.pw_uid, account.pw_gid)
    recipients = [*CASES, b"none@x", b"x" * 30_000 + b"@x"]
    with Spawning([*words, "./Mailbox"], home.env) as started:
        theirs = _ask(started, recipients, b"0/1")
    assert ask(home, recipients) == theirs


@pytest.mark.skipif(not IS_ROOT, reason="the original needs root")
def test_the_original_reports_the_same_of_accounts(home: MailHome) -> None:
    """By each side's own qmail-getpw, without assignments."""
    words = peer_in_home("qmail-lspawn", home.qmail)
    account = pwd.getpwnam("qmailq")
    home.give_to(account.pw_uid, account.pw_gid)
    (home.qmail / "users/cdb").unlink()
    recipients = [b"nobody-has-that-name@x", b"root@x", b"Alias-nothing@x", b"-@x", b"x" * 40 + b"@x"]
    with Spawning([*words, "./Mailbox"], home.env) as started:
        theirs = _ask(started, recipients, b"0/1")
    mine = ask(home, recipients)
    assert mine == theirs
    assert set(mine) == {b"DSorry, no mailbox here by that name. (#5.1.1)\n"}


def test_ids_that_no_user_has(home: MailHome) -> None:
    usage = lspawn.TEXTS[lspawn.USAGE]
    assert ask(home, [b"big@x", b"none@x"]) == [usage, usage]


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
class TestAsRoot:
    def test_each_delivery_is_made_as_its_user(self, home: MailHome) -> None:
        home.user("other", {".qmail": b"|id -u; id -g; id -G; umask\n"}, 54999, 54998)
        home.assign("=other:other:54999:54998:PLACE/other:::", "=joe:joe:USER:PLACE/other:::")
        assert ask(home, [b"other@x", b"joe@x"]) == [
            b"K54999\n54998\n54998\n0077\ndid 0+0+1\n",
            b"K%d\n%d\n%d\n0077\ndid 0+0+1\n" % (UID, GID, GID),
        ]

    def test_somebody_elses_qmail_local_too(self, home: MailHome) -> None:
        home.program("qmail-local", "id -u; id -g; id -G")
        assert ask(home, [b"other@x", b"root@x"]) == [
            b"K54999\n54999\n54999\n",
            lspawn.TEXTS[lspawn.ROOT],
        ]

    def test_a_queue_of_roots_own_is_another_case(self, home: MailHome) -> None:
        home.give_to(0, 0)
        home.program("qmail-local", "id -u")
        assert ask(home, [b"root@x", b"other@x"]) == [b"K0\n", b"K54999\n"]

    def test_qmail_getpw_runs_without_rights(self, home: MailHome) -> None:
        (home.qmail / "users/cdb").unlink()
        home.program("qmail-getpw", "id -un >&2; id -gn >&2; id -Gn >&2; exit 115")
        try:
            pwd.getpwnam("qmailp")
        except KeyError:
            assert ask(home, [b"joe@x"]) == [lspawn.TEXTS[lspawn.EXEC_GETPW]]
            return
        home.program(
            "qmail-getpw", 'printf "alias\\0%d\\0%d\\0/\\0-\\0$(id -un).$(id -gn).$(id -Gn)\\0" 54999 54999'
        )
        home.program("qmail-local", 'echo "$6"')
        assert ask(home, [b"joe@x"]) == [b"Kqmailp.nofiles.nofiles\n"]

    def test_a_message_of_somebody_else(self, home: MailHome) -> None:
        os.chown(home.qmail / "queue/mess/0/1", 54999, 54999)
        assert ask(home, [b"joe@x"]) == [b"ZSorry, message has wrong owner. (#4.3.5)\n"]


@pytest.mark.skipif(IS_ROOT, reason="root may become anybody")
def test_another_user_is_refused_without_root(home: MailHome) -> None:
    assert ask(home, [b"other@x"]) == [lspawn.TEXTS[lspawn.USAGE]]


def test_accounts_by_qmail_getpw(home: MailHome) -> None:
    """Where nobody is assigned the address; the program here is somebody else's."""
    home.assign("=joe:joe:USER:PLACE/joe:::")
    fields = ("joe", UID, GID, home.place / "users/joe", "-", "ext")
    answer = "".join(f"{field}\\000" for field in fields)
    home.program("qmail-getpw", f"printf '{answer}'")
    program_may_run = not IS_ROOT or _has_account("qmailp")
    expected = b"Kext at y for sender@example.com\ndid 0+0+1\n"
    if not program_may_run:
        expected = lspawn.TEXTS[lspawn.EXEC_GETPW]
    assert ask(home, [b"joe@x", b"whoever@y"]) == [DELIVERED, expected]


def test_accounts_of_this_machine(home: MailHome) -> None:
    """By our own qmail-getpw, which is asked again and again."""
    (home.qmail / "users/cdb").unlink()
    if IS_ROOT and not _has_account("qmailp"):
        expected = lspawn.TEXTS[lspawn.EXEC_GETPW]
    elif not _has_account("alias"):
        expected = lspawn.TEXTS[lspawn.NO_ALIAS]
    elif not IS_ROOT:
        expected = lspawn.TEXTS[lspawn.USAGE]
    else:
        pytest.skip("what is in alias's home is that of this machine")
    assert ask(home, [b"no-such-account-%d@x" % number for number in range(40)]) == [expected] * 40


@pytest.mark.parametrize(
    ("script", "report"),
    [
        ("exit 116", lspawn.TEXTS[lspawn.NO_ALIAS]),
        ("exit 115", lspawn.TEXTS[lspawn.NFS]),
        ("kill -9 $$", lspawn.TEXTS[lspawn.SYSTEM]),
        ("printf 'joe\\0001\\000'", lspawn.TEXTS[lspawn.USAGE]),
        ("exit 0", lspawn.TEXTS[lspawn.USAGE]),
        ("exit 100", b"D"),
        ("exec cat /dev/zero 2>/dev/null", lspawn.TEXTS[lspawn.SYSTEM]),
    ],
)
def test_qmail_getpw_fails(home: MailHome, script: str, report: bytes) -> None:
    if IS_ROOT and not _has_account("qmailp"):
        pytest.skip("there is no account qmailp")
    (home.qmail / "users/cdb").unlink()
    home.program("qmail-getpw", script)
    assert ask(home, [b"joe@x"]) == [report]


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_what_somebody_elses_qmail_local_is_given(home: MailHome) -> None:
    home.program("qmail-local", 'printf "<%s>" "$0" "$@"; pwd; cat; ls /proc/self/fd; exit 0')
    [report] = ask(home, [b"joe-a@x"], "./Maildir/")
    words = [b"--", b"joe", b"%b/users/joe" % bytes(home.place), b"joe-a", b"-", b"a", b"x"]
    said = b"".join(b"<%b>" % word for word in [*words, b"sender@example.com", b"./Maildir/"])
    begin = b"K<%b>" % bytes(home.qmail / "bin/qmail-local")
    assert report.startswith(begin + said)
    assert report.removeprefix(begin + said) == bytes(home.qmail) + b"\n" + MESSAGE + b"0\n1\n2\n3\n"


def test_every_exit_status(home: MailHome) -> None:
    """By what stands in formats and man pages, not by the table in the code."""
    home.program("qmail-local", 'echo said; exit "${4#joe-}"')
    statuses = range(256)
    texts = {
        112: b"ZInternal qmail-lspawn bug.\n",
        113: b"ZNot allowed to perform deliveries as root.\n",
        115: b"ZNFS failure in qmail-local.\n",
        116: b"ZUnable to find alias user!\n",
        117: b"ZTrouble reading users/cdb in qmail-lspawn.\n",
        118: b"ZTemporary failure in qmail-lspawn.\n",
        119: b"ZOut of memory in qmail-lspawn.\n",
        120: b"ZUnable to run qmail-local.\n",
        121: b"ZUnable to run qmail-getpw.\n",
        126: b"DUnable to run qmail-local.\n",
        0: b"Ksaid\n",
        **dict.fromkeys((71, 74, 75, 111), b"Zsaid\n"),
    }
    reports = []
    for start in range(0, 256, 64):
        reports += ask(home, [b"joe-%d@x" % status for status in statuses[start : start + 64]])
    assert reports == [texts.get(status, b"Dsaid\n") for status in statuses]


def test_a_crash(home: MailHome) -> None:
    home.user("joe", {".qmail": b"|kill -9 $PPID; sleep 0.1\n"})
    assert ask(home, [b"joe@x"]) == [lspawn.CRASHED]


def test_a_qmail_local_that_is_gone(home: MailHome) -> None:
    home.program("qmail-local", "echo here")
    with Spawning([ours("qmail-lspawn"), "./Mailbox"], home.env) as started:
        started.concurrency()
        started.ask(0, b"0/1", b"", b"joe@x")
        assert started.report() == (0, b"Khere\n")
        (home.qmail / "bin/qmail-local").unlink()
        started.ask(0, b"0/1", b"", b"joe@x")
        assert started.report() == (0, b"DUnable to run qmail-local.\n")


def test_our_qmail_local_in_the_home_is_replaced_by_another(home: MailHome) -> None:
    (home.qmail / "bin/qmail-local").symlink_to(ours("qmail-local"))
    with Spawning([ours("qmail-lspawn"), "./Mailbox"], home.env) as started:
        started.concurrency()
        started.ask(0, b"0/1", b"", b"joe@x")
        assert started.report() == (0, DELIVERED)
        (home.qmail / "bin/qmail-local").unlink()
        home.program("qmail-local", "echo another")
        started.ask(0, b"0/1", b"", b"joe@x")
        assert started.report() == (0, b"Kanother\n")


def test_new_assignments_count_at_once(home: MailHome) -> None:
    with Spawning([ours("qmail-lspawn"), "./Mailbox"], home.env) as started:
        started.concurrency()
        started.ask(0, b"0/1", b"", b"new@x")
        assert started.report() == (0, b"Kalias new\ndid 0+0+1\n")
        home.assign("=new:joe:USER:PLACE/joe:::")
        started.ask(0, b"0/1", b"", b"new@x")
        assert started.report() == (0, DELIVERED)


@pytest.mark.parametrize("content", [b"", b"cut", b"\0" * 2048, b"\xff" * 5000])
def test_a_damaged_cdb(home: MailHome, content: bytes) -> None:
    (home.qmail / "users/cdb").write_bytes(content)
    assert ask(home, [b"joe@x"]) == [lspawn.TEXTS[lspawn.CDB]]


def test_a_long_output_is_cut(home: MailHome) -> None:
    home.user("joe", {".qmail": b"|head -c 100000 /dev/zero | tr '\\0' x\n"})
    assert ask(home, [b"joe@x"]) == [b"K" + b"x" * 2966 + b"\nError report too long, sorry.\n"]


def test_an_output_ends_at_a_zero_byte(home: MailHome) -> None:
    home.user("joe", {".qmail": b"|printf 'a\\0b'; exit 100\n"})
    assert ask(home, [b"joe@x"]) == [b"Da"]


def test_usage_and_no_home(home: MailHome) -> None:
    assert run([ours("qmail-lspawn")], env=home.env).status == 100
    done = run([ours("qmail-lspawn"), "x"], env={"QMAILHOME": str(home.place / "nowhere")})
    assert (done.status, done.stdout) == (111, b"")
    assert done.stderr.startswith(b"qmail-lspawn: fatal: unable to switch to ")


def test_few_descriptors(home: MailHome) -> None:
    """What cannot be begun is put off, and the rest is delivered."""
    argv = ["prlimit", "--nofile=24", ours("qmail-lspawn"), "./Mailbox"]
    with Spawning(argv, home.env) as started:
        started.concurrency()
        for number in range(60):
            started.ask(number, b"0/1", b"", b"joe@x")
        reports = started.reports(60)
        assert started.end() == (0, b"")
    refused = [text for text in reports.values() if text != DELIVERED]
    assert all(text.startswith(b"Zqmail-spawn unable to ") for text in refused)
    delivered = os.listdir(home.place / "users/joe/Maildir/new")
    assert 0 < len(delivered) == 60 - len(refused)


def test_many_at_once(home: MailHome) -> None:
    reports = ask(home, [b"joe@x"] * spawn.CONCURRENCY)
    assert reports == [DELIVERED] * spawn.CONCURRENCY
    names = os.listdir(home.place / "users/joe/Maildir/new")
    assert len(names) == spawn.CONCURRENCY
    assert not os.listdir(home.place / "users/joe/Maildir/tmp")


@pytest.mark.parametrize("program", ["ours", "somebody else's"])
def test_a_forward(home: MailHome, program: str) -> None:
    """It is in the queue, by our qmail-queue within the same process, else by the one that is there."""
    if program == "ours":
        (home.qmail / "bin/qmail-queue").symlink_to(ours("qmail-queue"))
        home.give_to(UID, GID)
    else:
        kept = home.user("kept", {})
        home.program("qmail-queue", f"cat >{kept}/message; cat <&1 >{kept}/envelope")
    home.user("joe", {".qmail": b"&bob@example.net\n./Maildir/\n"})
    [report] = ask(home, [b"joe@x"])
    assert re.fullmatch(rb"Kdid 1\+1\+0\nqp \d+\n", report)
    if program == "ours":
        [(message, envelope)] = messages(home.qmail)
        message = message.partition(b"\n")[2]  # the line of qmail-queue
    else:
        message, envelope = (kept / "message").read_bytes(), (kept / "envelope").read_bytes()
    assert message == b"Delivered-To: joe@x\n" + MESSAGE
    assert b"Fsender@example.com\0Tbob@example.net\0" in envelope


class TestWorkers:
    """A process that made a delivery makes the user's next, if that comes soon."""

    @pytest.fixture
    def started(self, home: MailHome) -> Iterator[Spawning]:
        home.user(
            "joe",
            {
                ".qmail": b"|echo $PPID; umask; pwd; echo $LEAK\n./Maildir/\n",
                ".qmail-crash": b"|kill -9 $PPID\n",
                ".qmail-pid": b"|echo $PPID\n",
            },
        )
        with Spawning([ours("qmail-lspawn"), "./Mailbox"], home.env) as started:
            started.concurrency()
            yield started

    def deliver(self, started: Spawning, recipient: bytes = b"joe@x") -> bytes:
        started.ask(7, b"0/1", b"a@b", recipient)
        number, text = started.report()
        assert number == 7
        return text

    def pid_of_a_worker(self, started: Spawning) -> int:
        """As root only a user who has mail again within a moment gets one: no disk is waited for here."""
        return int(eventually(lambda: self._same_twice(started)))

    def _same_twice(self, started: Spawning) -> int:
        first, second = (self.deliver(started, b"joe-pid@x")[1:].splitlines()[0] for _ in range(2))
        return int(first) if first == second else 0

    def test_a_process_is_used_again(self, started: Spawning, home: MailHome) -> None:
        pid = self.pid_of_a_worker(started)
        text = self.deliver(started)
        if text[1:].splitlines()[0] == b"%d" % pid:  # unless this machine was very slow
            assert text == b"K%d\n0077\n%b/users/joe\n\ndid 1+0+1\n" % (pid, bytes(home.place))

    def test_a_home_that_the_user_may_not_enter(self, started: Spawning, home: MailHome) -> None:
        home.qmail.chmod(0o700)
        assert self.pid_of_a_worker(started)

    def test_a_program_cannot_tell(self, started: Spawning, home: MailHome) -> None:
        """What it is given by a process that was used before is what a new one gives it."""
        look = b"|ls /proc/self/fd; grep -E '^(Sig[BIC]|Shd)' /proc/self/status; ulimit -a; env | sort | grep -v _PID\n"
        home.user("joe", {".qmail": look, ".qmail-ext": b"|echo $PPID; exit 0\n&x\n"})
        first = self.deliver(started)
        assert first.endswith(b"did 0+0+1\n")
        assert first[1:].startswith(b"0\n1\n2\n3\n")
        for _ in range(4):
            self.deliver(started, b"joe-ext@x")
            again = self.deliver(started)
            assert [line for line in again.splitlines() if b"UFLINE" not in line] == [
                line for line in first.splitlines() if b"UFLINE" not in line
            ]

    def test_one_that_is_killed_while_it_waits(self, started: Spawning) -> None:
        pid = self.pid_of_a_worker(started)
        processes.kill(pid)
        eventually(lambda: processes.gone(pid))
        assert self.deliver(started).endswith(b"did 1+0+1\n")

    def test_one_that_is_killed_while_it_works(self, started: Spawning) -> None:
        self.pid_of_a_worker(started)
        for _ in range(3):
            assert self.deliver(started, b"joe-crash@x") == lspawn.CRASHED
        assert self.deliver(started).endswith(b"did 1+0+1\n")

    def test_nobody_stays_for_long(self, started: Spawning) -> None:
        pid = self.pid_of_a_worker(started)
        eventually(lambda: processes.gone(pid))
        assert self.deliver(started).endswith(b"did 1+0+1\n")

    def test_a_process_that_is_left_behind_is_waited_for_by_nobody(
        self, started: Spawning, home: MailHome
    ) -> None:
        home.user(
            "joe", {".qmail": b"|echo $PPID\n", ".qmail-ext": b"|sleep 60 >/dev/null 2>&1 & echo $PPID $!\n"}
        )
        for _ in range(3):
            text = self.deliver(started, b"joe-ext@x")
            _, background = map(int, text[1:].splitlines()[0].split())
            assert not processes.ended(background)
            processes.kill(background)
            assert text.endswith(b"did 0+0+1\n")

    def test_users_do_not_share_processes(self, started: Spawning, home: MailHome) -> None:
        if not IS_ROOT:
            pytest.skip("needs root")
        home.user("other", {".qmail": b"|echo $PPID; id -u\n"}, 54999, 54999)
        home.assign("=other:other:54999:54999:PLACE/other:::", "=joe:joe:USER:PLACE/joe:::")
        pids: dict[bytes, set[bytes]] = {b"joe@x": set(), b"other@x": set()}
        for _ in range(5):
            for recipient, of_user in pids.items():
                of_user.add(self.deliver(started, recipient)[1:].splitlines()[0])
        assert not pids[b"joe@x"] & pids[b"other@x"]
        assert self.deliver(started, b"other@x").splitlines()[1] == b"54999"

    def test_all_are_gone_when_it_is_killed(self, started: Spawning) -> None:
        pid = self.pid_of_a_worker(started)
        started.process.kill()
        eventually(lambda: processes.ended(pid))  # whoever inherits it may not wait for it

    def test_all_are_gone_when_it_ends(self, started: Spawning) -> None:
        pid = self.pid_of_a_worker(started)
        assert started.end() == (0, b"")
        assert processes.ended(pid)
