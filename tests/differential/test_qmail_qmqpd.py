"""qmail-qmqpd beside the one that QMAIL_PEER names: the reply, the status, and what the queue program gets.

Not tested: the hour's end by the clock (a SIGALRM stands for it), and running out of memory.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.originals import qmail_peer
from tests.support.qmqp import netstring, payload, request
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Keeps what it is given. It is the test that says how it ends.
QUEUE_PROGRAM = """#!/bin/sh
cat >"$KEPT/message"
cat <&1 >"$KEPT/envelope"
printf "$WORDS" >&6
eval "$END"
"""

MESSAGE = b"Subject: test\n\nhello\n.\n\0\xff\r\n"
PLAIN = request(MESSAGE, b"me@example.org", [b"you@example.org", b"them@example.net"])

REQUESTS = {
    "plain": PLAIN,
    "no recipients": request(MESSAGE, b"me@example.org", []),
    "no bytes": request(b"", b"", [b""]),
    "no digits": netstring(b":,:,:,"),
    "zeros in front": b"000" + netstring(b"01:x,003:a@b,00003:c@d,"),
    "something after it": PLAIN + b"1:x,",
    "no comma after it": PLAIN[:-1] + b";",
    "empty": b"0:,",
    "nothing": b"",
    "no message": netstring(b""),
    "no sender": netstring(netstring(b"x")),
    "99 zeros": b"0" * 99 + b":",
    "100 zeros": b"0" * 100 + b":",
    "a letter": b"1x:",
    "a blank": b" 1:",
    "minus": b"-1:",
    "too long": b"2000000010:",
    "much too long": b"9" * 90 + b":",
    "just not too long": b"2000000009:x",
    "too long and a letter": b"2000000009x",
    "a letter in the inner length": netstring(b"1x:,"),
    "inner too long": netstring(b"2000000010:"),
    "inner without a comma": netstring(b"1:x;0:,"),
    "inner beyond the outer": netstring(b"9:x,"),
    "inner as long as the outer": netstring(b"1:x"),
    "sender beyond the outer": netstring(b"1:x,9:x,"),
    "ends in a length": netstring(b"1:x,0:,1"),
    "sender of 999": request(b"x", b"s" * 999, [b"r"]),
    "sender of 1000": request(b"x", b"s" * 1000, [b"r"]),
    "recipient of 999": request(b"x", b"s", [b"r" * 999, b"t"]),
    "recipient of 1000": request(b"x", b"s", [b"q", b"r" * 1000, b"t"]),
    "recipient of 100000": request(b"x", b"s", [b"r" * 100_000]),
    "sender with a zero byte": request(b"x", b"s\0", [b"r"]),
    "recipient with a zero byte": request(b"x", b"s", [b"r", b"\0"]),
    "a bad address and no comma": request(b"x", b"s\0", [])[:-1] + b";",
    "10000 recipients": request(b"x", b"s", [b"%d@example.org" % number for number in range(10_000)]),
    "a large message": request(bytes(range(256)) * 2000, b"s", [b"r"]),
}

STATUSES = (
    *range(10, 13),
    *range(30, 33),
    40,
    41,
    *range(50, 57),
    *range(60, 75),
    *range(80, 84),
    91,
    111,
    115,
)

DATE = re.compile(rb"; \d+ \w{3} \d{4} \d\d:\d\d:\d\d -0000\n", re.ASCII)
OK = re.compile(rb"^\d+:Kok \d+ qp \d+,$")

Left = dict[str, object]


class Side:
    """One of the two programs, with its queue program and what that kept."""

    def __init__(self, program: str, place: Path) -> None:
        self.program = program
        self.place = place
        place.mkdir()
        self.queue_program = place / "queue"
        self.queue_program.write_text(QUEUE_PROGRAM)
        self.queue_program.chmod(0o755)

    def run(
        self, sent: bytes, *, end: str = "exit 0", words: str = "", env: Mapping[str, str] | None = None
    ) -> Left:
        for kept in ("message", "envelope"):
            (self.place / kept).unlink(missing_ok=True)
        environment = {
            "QMAILHOME": str(self.place),
            "QMAILQUEUE": str(self.queue_program),
            "KEPT": str(self.place),
            "END": end,
            "WORDS": words,
            **(env or {}),
        }
        done = run([self.program], sent, env=environment)
        return {
            "status": done.status,
            "reply": OK.sub(b"ok", done.stdout),
            "stderr": done.stderr,
            "message": DATE.sub(b"; DATE\n", self.kept("message"), count=1),
            "envelope": self.kept("envelope"),
        }

    def kept(self, name: str) -> bytes:
        path = self.place / name
        return path.read_bytes() if path.exists() else b""


@pytest.fixture
def both(tmp_path: Path) -> tuple[Side, Side]:
    return (
        Side(qmail_peer("qmail-qmqpd"), tmp_path / "theirs"),
        Side(ours("qmail-qmqpd"), tmp_path / "ours"),
    )


def complete(left: Left) -> Left:
    """An envelope that was broken off counts for nothing, however much of it came."""
    envelope = left["envelope"]
    assert isinstance(envelope, bytes)
    whole = envelope.endswith(b"\0\0") and left["status"] == 0 and left["reply"]
    return left if whole else {**left, "envelope": b"", "message": b""}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(both: tuple[Side, Side], name: str) -> None:
    theirs, mine = (complete(side.run(REQUESTS[name])) for side in both)
    assert mine == theirs


@pytest.mark.slow
def test_a_client_that_is_lost_anywhere(both: tuple[Side, Side]) -> None:
    sent = request(b"x\n", b"a", [b"b"])
    for cut in range(len(sent)):
        theirs, mine = (side.run(sent[:cut]) for side in both)
        assert complete(mine) == complete(theirs)
        assert (mine["status"], mine["reply"]) == (0, b"")
        assert not both[1].kept("envelope").endswith(b"\0\0"), "it would have been queued"


def test_nothing_is_committed_for_a_bad_address(both: tuple[Side, Side]) -> None:
    for name in ("sender of 1000", "recipient of 1000", "recipient with a zero byte"):
        left = both[1].run(REQUESTS[name])
        assert left["reply"] == netstring(b"Dsorry, I can't accept addresses like that (#5.1.3)")
        assert not both[1].kept("envelope").endswith(b"\0\0")


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"TCPREMOTEIP": "192.0.2.7", "TCPREMOTEHOST": "a b(c)\n\xe4", "TCPREMOTEINFO": "joe"},
        {"TCPREMOTEIP": "", "TCPREMOTEHOST": "", "TCPREMOTEINFO": "", "TCPLOCALHOST": ""},
        {"TCPLOCALIP": "127.0.0.1"},
        {"TCPLOCALIP": "127.0.0.1", "TCPLOCALHOST": "mx.example.org"},
    ],
)
def test_received(both: tuple[Side, Side], env: dict[str, str]) -> None:
    theirs, mine = (side.run(PLAIN, env=env) for side in both)
    assert mine == theirs
    assert mine["reply"] == b"ok"


@pytest.mark.slow
def test_every_status_of_the_queue_program(both: tuple[Side, Side]) -> None:
    for end in [*(f"exit {status}" for status in STATUSES), "kill -9 $$", "kill -TERM $$"]:
        theirs, mine = (side.run(PLAIN, end=end) for side in both)
        assert mine == theirs, end
        assert mine["reply"] != b"ok"


@pytest.mark.parametrize(
    "words", ["", "D", "Dn", "Dno", "Znot now (#4.0.0)", "Dno\\0more", "D" * 254, "D" * 255, "D" * 300]
)
def test_words_of_its_own(both: tuple[Side, Side], words: str) -> None:
    theirs, mine = (side.run(PLAIN, end="exit 82", words=words) for side in both)
    assert mine == theirs


@pytest.mark.parametrize("words", ["Kok", "hello", "\\0abc"])
def test_words_that_say_neither_d_nor_z_are_a_difference(both: tuple[Side, Side], words: str) -> None:
    theirs, mine = (side.run(PLAIN, end="exit 82", words=words) for side in both)
    assert mine != theirs
    assert mine["reply"] == netstring(b"Zqq temporary problem (#4.3.0)")


@pytest.mark.parametrize("program", ["", "missing", "/", "/etc/passwd"])
def test_no_queue_program(both: tuple[Side, Side], program: str) -> None:
    theirs, mine = (side.run(PLAIN, env={"QMAILQUEUE": program}) for side in both)
    assert mine == theirs
    assert mine["reply"] == netstring(b"Zunable to exec qq (#4.3.0)")


@pytest.mark.parametrize("ending", ["exec <&-; exit 0", "exit 0", "exit 53"])
def test_a_queue_program_that_reads_nothing(both: tuple[Side, Side], ending: str) -> None:
    for side in both:
        side.queue_program.write_text(f"#!/bin/sh\n{ending}\n")
    sent = request(bytes(300_000), b"s", [b"r"])  # more than a pipe holds
    theirs, mine = (side.run(sent) for side in both)
    assert mine == theirs
    assert mine["reply"] != b"ok"


# glibc keeps signals 32 and 33 for its threads, and its posix_spawn leaves them ignored.
GLIBCS_OWN = 1 << 31 | 1 << 32


def test_what_the_queue_program_inherits(both: tuple[Side, Side]) -> None:
    """Ignored and blocked signals, and descriptors."""
    for side in both:
        side.queue_program.write_text(
            "#!/bin/sh\nls -C /proc/$$/fd >$KEPT/envelope; cat /proc/self/status >$KEPT/message\n"
            "cat >/dev/null; cat <&1 >/dev/null\n"
        )
    masks = []
    for left in [side.run(PLAIN) for side in both]:
        status = left["message"]
        assert isinstance(status, bytes)
        found = re.findall(rb"Sig(?:Blk|Ign):\t([0-9a-f]+)", status)
        masks.append([int(mask, 16) & ~GLIBCS_OWN for mask in found])
        assert len(masks[-1]) == 2
    assert masks[0] == masks[1]
    assert both[0].kept("envelope") == both[1].kept("envelope")


@pytest.mark.parametrize("which", [0, 1])
def test_the_hour_ends(both: tuple[Side, Side], which: int) -> None:
    side = both[which]
    env = {"PATH": os.environ["PATH"], "QMAILHOME": str(side.place), "QMAILQUEUE": "/bin/cat"}
    with subprocess.Popen(
        [side.program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        bufsize=0,
    ) as child:
        assert child.stdin
        # When the queue program runs, the handler has long been there.
        child.stdin.write(b"100:10:")
        eventually(lambda: processes.children(child.pid), "the queue program")
        child.send_signal(signal.SIGALRM)
        stdout, stderr = child.communicate(timeout=TIMEOUT)
    assert (child.returncode, stdout, stderr) == (111, b"", b"")


def test_no_descriptors_to_be_had(both: tuple[Side, Side]) -> None:
    for side in both:
        env = {"QMAILHOME": str(side.place), "QMAILQUEUE": str(side.queue_program), "KEPT": str(side.place)}
        done = run(["/bin/sh", "-c", 'ulimit -n 7; exec "$0"', side.program], PLAIN, env=env)
        assert (done.status, done.stdout, done.stderr) == (111, b"", b"")


def test_no_home(both: tuple[Side, Side], tmp_path: Path) -> None:
    mine = both[1].run(PLAIN, env={"QMAILHOME": str(tmp_path / "missing")})
    assert (mine["status"], mine["reply"], mine["stderr"]) == (111, b"", b"")


def test_the_pid_is_the_queue_programs(tmp_path: Path) -> None:
    side = Side(ours("qmail-qmqpd"), tmp_path / "ours")
    side.queue_program.write_text('#!/bin/sh\necho $$ >"$KEPT/pid"\ncat >/dev/null; cat <&1 >/dev/null\n')
    env = {"QMAILHOME": str(side.place), "QMAILQUEUE": str(side.queue_program), "KEPT": str(side.place)}
    reply = payload(run([side.program], PLAIN, env=env).stdout)
    assert reply.split()[3] == side.kept("pid").strip()
