"""A QMQP message's way: client, tcpserver, qmail-qmqpd, queue program, queue.

Both tcpservers, ours with warm workers and without; our queue program and qmail's own; a client of
ours, nullmailer's and Postfix's.

Not tested: a host that has no memory left.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import postfix, processes, qmqp
from tests.support.homes import make_home, messages, queued
from tests.support.originals import original
from tests.support.peerhome import peer_in_home
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.servers import Server, serving
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = b"Subject: test\n\nhello\n"
HOST = "127.0.0.1"
QUIET = ["-H", "-R", "-l", "localhost", "-1", HOST, "0"]
SERVERS = ["original", "warm", "cold"]


def tcpserver(which: str) -> list[str]:
    if which == "original":
        return [original("tcpserver"), *QUIET]
    return [ours("tcpserver"), *(["-W"] if which == "cold" else []), *QUIET]


@contextmanager
def service(which: str, home: Path, program: str | None = None) -> Iterator[Server]:
    env = {"QMAILHOME": str(home), "QMAILQUEUE": program or ours("qmail-queue")}
    with serving([*tcpserver(which), ours("qmail-qmqpd")], home.parent, env=env) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_messages_are_queued(home: Path, which: str) -> None:
    with service(which, home) as server:
        for number in range(3):
            recipients = [b"r%d@example.org" % each for each in range(number + 1)]
            reply = qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"s%d" % number, recipients))
            assert reply.startswith(b"Kok ")
            found = [
                (message, envelope)
                for message, envelope in messages(home)
                if b"\0p%s\0Fs%d\0" % (reply.split()[3], number) in envelope
            ]
            [(message, envelope)] = found
            lines = message.split(b"\n", 3)
            assert lines[0].startswith(b"Received: (qmail %s invoked " % reply.split()[3])
            assert lines[1] == b"Received: from unknown (127.0.0.1)"
            assert lines[2].startswith(b"  by localhost with QMQP; ")
            assert lines[3] == MESSAGE
            assert envelope.endswith(
                b"F" + b"s%d\0" % number + b"".join(b"T%s\0" % each for each in recipients)
            )
    assert len(queued(home)) == 9


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_a_home_is_known_by_its_launchers(tmp_path: Path, which: str) -> None:
    """Nothing else names it."""
    home = make_home(tmp_path / "home")
    for name in ("qmail-qmqpd", "qmail-queue"):
        (home / "bin" / name).symlink_to(ours(name))
    env = {"QMAILHOME": "", "PATH": os.environ["PATH"]}
    with serving([*tcpserver(which), str(home / "bin/qmail-qmqpd")], tmp_path, env=env) as server:
        assert qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"a", [b"b"])).startswith(b"Kok ")
    assert len(messages(home)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_a_queue_program_that_is_no_launcher_is_started(home: Path, tmp_path: Path, which: str) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f"#!/bin/sh\nexec {ours('qmail-queue')}\n")
    wrapper.chmod(0o755)
    with service(which, home, str(wrapper)) as server:
        assert qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"a", [b"b"])).startswith(b"Kok ")
    assert len(messages(home)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_nullmailers_client(home: Path, tmp_path: Path, which: str) -> None:
    """Its message file is descriptor 3: sender, recipients, an empty line, the message."""
    client = original("qmqp")
    (tmp_path / "mail").write_bytes(b"me@example.org\nyou@example.org\n\n" + MESSAGE)
    with service(which, home) as server:
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$0" 3<"{tmp_path}/mail"', client],
            input=f"host={HOST}\nport={server.port}\n\n".encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert done.returncode == 0, done
    assert b"Succeeded: ok " in done.stderr
    [(message, envelope)] = messages(home)
    assert message.endswith(b"\n" + MESSAGE)
    assert envelope.endswith(b"Fme@example.org\0Tyou@example.org\0")


@pytest.mark.slow
@pytest.mark.parametrize("which", SERVERS)
def test_postfixs_client(home: Path, which: str) -> None:
    """A generator of load, which ends at the first answer that is not K: several at once, large and empty ones."""
    words, environment = postfix.tool("qmqp-source")
    with service(which, home) as server:
        sent = 0
        for number, length, recipients in ((40, 1000, 1), (4, 2_000_000, 3), (2, 1, 200)):
            options = f"-s 4 -m {number} -l {length} -r {recipients} -f me@here.example -t you@there.example"
            done = run([*words, *options.split(), f"{HOST}:{server.port}"], env=environment)
            assert done == Outcome(0, b"", b"")
            sent += number
            kept = messages(home)
            assert len(kept) == sent
            assert sum(envelope.count(b"\0T") == recipients for _, envelope in kept) >= number


@pytest.mark.slow
def test_a_foreign_queue_program(home: Path, tmp_path: Path) -> None:
    """qmail's own, in the same queue."""
    (tmp_path / "foreign").write_text(
        "#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in peer_in_home("qmail-queue", home)) + "\n"
    )
    (tmp_path / "foreign").chmod(0o755)
    with service("warm", home, str(tmp_path / "foreign")) as server:
        reply = qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"me", [b"you"]))
    assert reply.startswith(b"Kok ")
    [(message, envelope)] = messages(home)
    assert message.endswith(b"\n" + MESSAGE)
    assert envelope.endswith(b"Fme\0Tyou\0")


@pytest.mark.slow
@pytest.mark.parametrize("which", ["warm", "cold"])
def test_a_byte_at_a_time_and_no_answer_before_the_last(home: Path, which: str) -> None:
    sent = qmqp.request(b"m\n", b"a", [b"b"])
    with service(which, home) as server, server.connect() as client:
        client.setsockopt(6, 1, 1)  # TCP_NODELAY: each byte is a packet
        for at in range(len(sent)):
            client.sendall(sent[at : at + 1])
            if at == len(sent) - 2:
                client.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    client.recv(1)
                client.settimeout(PATIENCE)
                assert not messages(home)
        assert qmqp.payload(client.recv(1000)).startswith(b"Kok ")
    assert len(messages(home)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("which", ["warm", "cold"])
def test_a_client_that_leaves_in_the_middle_has_queued_nothing(home: Path, which: str) -> None:
    sent = qmqp.request(bytes(200_000), b"a", [b"b"])
    with service(which, home) as server:
        for cut in (0, 3, 9, 1000, 100_000, len(sent) - 8, len(sent) - 1):
            assert qmqp.exchange(HOST, server.port, sent[:cut], half_close=True) == b""
        eventually(lambda: not queued(home), "everything to be taken back")
        # The service is as good as new.
        assert qmqp.send(HOST, server.port, sent).startswith(b"Kok ")
    assert len(messages(home)) == 1


@pytest.mark.slow
def test_a_client_that_reads_nothing(home: Path) -> None:
    """It closes at once after the last byte: the message is queued all the same."""
    with service("warm", home) as server:
        with server.connect() as client:
            client.sendall(qmqp.request(MESSAGE, b"a", [b"b"]))
        eventually(lambda: messages(home), "the message")


# The kernel's own figure of a child's peak counts what its parent had before the exec.
PEAK = """
import os
from smarthost.programs.qmail.{module} import main
status = main([])
[line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
os.write(2, line.split()[1].encode())
raise SystemExit(status)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qmail-qmqpd", "qmail-queue"])
def test_memory_stays_flat(home: Path, tmp_path: Path, name: str) -> None:
    """200 MB cost no more than 2 MB beyond what a small message costs."""
    peaks = []
    for size in (1000, 200_000_000):
        request, envelope = tmp_path / "request", tmp_path / "envelope"
        envelope.write_bytes(b"Fa\0Tb\0\0")
        with request.open("wb") as file:
            if name == "qmail-qmqpd":
                rest = b",1:a,1:b,"
                inner = b"%d:" % size
                file.write(b"%d:%s" % (len(inner) + size + len(rest), inner))
                file.seek(size, os.SEEK_CUR)
                file.write(rest + b",")
            else:
                file.truncate(size)
        sink = tmp_path / "sink"
        sink.write_text("#!/bin/sh\ntest $(cat | wc -c) -gt $SIZE && cat <&1 >/dev/null\n")
        sink.chmod(0o755)
        reply, peak = os.memfd_create("reply"), os.memfd_create("peak")
        with request.open("rb") as first, envelope.open("rb") as second:
            child = os.posix_spawn(
                sys.executable,
                [sys.executable, "-c", PEAK.format(module=name.replace("-", "_"))],
                {**os.environ, "QMAILHOME": str(home), "QMAILQUEUE": str(sink), "SIZE": str(size)},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, first.fileno(), 0),
                    (os.POSIX_SPAWN_DUP2, second.fileno() if name == "qmail-queue" else reply, 1),
                    (os.POSIX_SPAWN_DUP2, peak, 2),
                ],
            )
            assert os.waitpid(child, 0)[1] == 0
        peaks.append(int(os.pread(peak, 1000, 0)))
        if name == "qmail-qmqpd":
            assert qmqp.payload(os.pread(reply, 1000, 0)).startswith(b"Kok ")
        else:
            [mess] = (home / "queue/mess").glob("*/*")
            assert mess.stat().st_size > size
            for path in queued(home):  # all of it: the number will be given again
                (home / "queue" / path).unlink()
        os.close(reply)
        os.close(peak)
        request.unlink()
    assert peaks[1] - peaks[0] < 2048, peaks


def pid_of(reply: bytes) -> int:
    """Who queued the message, as the reply names it."""
    assert reply.startswith(b"Kok ")
    return int(reply.split()[3])


@pytest.mark.slow
def test_our_queue_program_needs_no_process_of_its_own(home: Path) -> None:
    sent = qmqp.request(MESSAGE, b"me", [b"you"])
    env = {"QMAILHOME": str(home), "QMAILQUEUE": ours("qmail-queue")}
    # One client at a time: the next one waits for the worker.
    with serving([ours("tcpserver"), "-vc1", *QUIET, ours("qmail-qmqpd")], home.parent, env=env) as server:
        tries = 0

        def again() -> int:
            """Who took one message and then another: on a slow machine it may not have been waited for."""
            nonlocal tries
            tries += 1
            first = pid_of(qmqp.send(HOST, server.port, sent))
            server.wait_for(b"end %d status 0\n" % first)
            assert qmqp.exchange(HOST, server.port, sent[:-9], half_close=True) == b""
            return first if pid_of(qmqp.send(HOST, server.port, sent)) == first else 0

        first = eventually(again, "the same process")
        processes.kill(first)
        eventually(lambda: processes.gone(first), "it to end")
        assert pid_of(qmqp.send(HOST, server.port, sent)) != first
    assert len(messages(home)) == 2 * tries + 1


@pytest.mark.slow
@pytest.mark.parametrize("which", ["warm", "cold"])
def test_files_of_the_queue_have_their_modes_whatever_the_umask(home: Path, which: str) -> None:
    env = {"QMAILHOME": str(home), "QMAILQUEUE": ours("qmail-queue")}
    masked = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    with serving([*masked, *tcpserver(which), ours("qmail-qmqpd")], home.parent, env=env) as server:
        for _ in range(2):
            qmqp.send(HOST, server.port, qmqp.request(MESSAGE, b"a", [b"b"]))
    modes = {(home / "queue" / path).stat().st_mode & 0o7777 for path in queued(home)}
    assert modes == {0o644}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["warm", "cold"])
def test_an_address_that_is_refused_leaves_nothing_in_the_queue(home: Path, which: str) -> None:
    with service(which, home) as server:
        sent = qmqp.request(MESSAGE, b"a", [b"x" * 1000, b"b"])
        reply = b"Dsorry, I can't accept addresses like that (#5.1.3)"
        assert qmqp.send(HOST, server.port, sent) == reply
        assert queued(home) == {}
        for part in ("pid", "intd"):
            (home / "queue" / part).rmdir()
        sent = qmqp.request(MESSAGE, b"a", [b"b"])
        assert qmqp.send(HOST, server.port, sent) == b"Zqq trouble creating files in queue (#4.3.0)"


@pytest.mark.slow
def test_a_queue_program_that_is_replaced_counts_at_the_next_message(home: Path, tmp_path: Path) -> None:
    program = tmp_path / "queue"
    program.symlink_to(ours("qmail-queue"))
    sent = qmqp.request(MESSAGE, b"me", [b"you"])
    with service("warm", home, str(program)) as server:
        assert qmqp.send(HOST, server.port, sent).startswith(b"Kok ")
        (tmp_path / "new").write_text("#!/bin/sh\nexit 31\n")
        (tmp_path / "new").chmod(0o755)
        (tmp_path / "new").rename(program)
        assert qmqp.send(HOST, server.port, sent) == b"Dmail server permanently rejected message (#5.3.0)"
    assert len(messages(home)) == 1


@pytest.mark.slow
def test_a_rule_may_name_another_queue_program_for_a_client(home: Path, tmp_path: Path) -> None:
    (tmp_path / "refuse").write_text("#!/bin/sh\nexit 71\n")
    (tmp_path / "refuse").chmod(0o755)
    compiled = run(
        [ours("tcprules"), str(tmp_path / "rules.cdb"), str(tmp_path / "rules.tmp")],
        f'127.0.0.2:allow,QMAILQUEUE="{tmp_path}/refuse"\n:allow\n'.encode(),
    )
    assert compiled.status == 0
    sent = qmqp.request(MESSAGE, b"me", [b"you"])
    env = {"QMAILHOME": str(home), "QMAILQUEUE": ours("qmail-queue")}
    argv = [ours("tcpserver"), "-x", str(tmp_path / "rules.cdb"), *QUIET, ours("qmail-qmqpd")]
    with serving(argv, tmp_path, env=env) as server:
        assert server.talk(sent).split(b":")[1].startswith(b"Kok ")
        assert b"Zmail server temporarily rejected message" in server.talk(sent, source="127.0.0.2")
        assert server.talk(sent).split(b":")[1].startswith(b"Kok ")
    assert len(messages(home)) == 2
