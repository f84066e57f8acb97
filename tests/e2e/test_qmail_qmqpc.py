"""qmail-qmqpc and its servers: good ones, and every kind of bad one.

Not tested: a name server that does not answer (its time limits are the resolver's own).
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.qmail import qmail_qmqpc
from tests.support import certificates, ipv6
from tests.support.qmqp import netstring
from tests.support.qmqpserver import (
    Server,
    answers,
    hangs,
    hangs_up_early,
    is_mute,
    refusing_address,
    says,
    says_early,
)
from tests.support.run import TIMEOUT, ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MESSAGE = b"Subject: hello\n\nworld\n"
ENVELOPE = b"Fjoe@example.com\0Tann@example.org\0Tbob@example.org\0\0"
PAYLOAD = b"".join(map(netstring, [MESSAGE, b"joe@example.com", b"ann@example.org", b"bob@example.org"]))
OK = says(b"Kok 1 qp 2")


def swallows(_server: Server, connection: socket.socket) -> None:
    """Accepts any request without keeping it."""
    digits, _, rest = connection.recv(65536).partition(b":")
    left = int(digits) + 1 - len(rest)
    while left > 0:
        left -= len(connection.recv(1 << 20))
    connection.sendall(b"1:K,")


@dataclass
class Sent:
    status: int
    stderr: bytes
    report: bytes


class Client:
    """A home with a list of servers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "control").mkdir()

    def control(self, name: str, text: str) -> None:
        (self.home / "control" / name).write_text(text)

    def servers(self, *lines: str) -> None:
        self.control("qmqpservers", "".join(line + "\n" for line in lines))

    def send(
        self,
        message: bytes = MESSAGE,
        envelope: bytes = ENVELOPE,
        *,
        report: bool = True,
        env: dict[str, str] | None = None,
        ulimit: str = "",
        redirect: str = "",
    ) -> Sent:
        """Run it as qmail.c does: message on 0, envelope on 1, a pipe on 6."""
        (self.home / "message").write_bytes(message)
        (self.home / "envelope").write_bytes(envelope)
        reading, writing = os.pipe()
        shell = f'{ulimit} exec 0<message 1<>envelope {redirect}; test -z "$2" || exec 6>&"$2"; exec "$1"'
        started = subprocess.Popen(
            ["bash", "-c", shell, "bash", ours("qmail-qmqpc"), str(writing) if report else ""],
            cwd=self.home,
            # Name servers that do not answer are not waited for.
            env={
                **os.environ,
                "RES_OPTIONS": "timeout:1 attempts:1",
                "QMAILHOME": str(self.home),
                **(env or {}),
            },
            pass_fds=[writing],
            stderr=subprocess.PIPE,
        )
        os.close(writing)
        try:
            said = started.communicate(timeout=TIMEOUT)[1]
            return Sent(started.returncode, said, os.read(reading, 65536) if report else b"")
        finally:
            os.close(reading)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.fixture
def down() -> object:
    held, line = refusing_address()
    yield line
    held.close()


def test_accepted(client: Client) -> None:
    with Server(OK) as server:
        client.servers(server.line)
        assert client.send() == Sent(0, b"", b"")
    assert server.received == [PAYLOAD]


@pytest.mark.parametrize(
    ("message", "envelope"),
    [
        (b"", b"F\0T\0x"[:2] + b"\0"),
        (b"no newline", b"Fa@b\0\0"),
        (bytes(range(256)) * 10_000, b"F\0Tx\0\0"),
        (b"x" * 1_048_576, b"F\0Tx\0\0"),
        (b"x" * 1_048_577, b"F\0" + b"Tsomebody@example.com\0" * 100_000 + b"\0"),
        (b"", b"F" + b"s" * 1002 + b"\0T" + b"r" * 1002 + b"\0\0 what follows is ignored"),
    ],
    ids=["empty", "no recipients", "binary on disk", "just in memory", "just on disk", "long addresses"],
)
def test_every_message_arrives_as_it_is(client: Client, message: bytes, envelope: bytes) -> None:
    with Server(OK) as server:
        client.servers(server.line)
        assert client.send(message, envelope) == Sent(0, b"", b"")
    addresses = [record[1:] for record in envelope.split(b"\0\0", 1)[0].split(b"\0")]
    assert server.received == [b"".join(map(netstring, [message, *addresses]))]


@pytest.mark.parametrize(
    ("reply", "status", "what"),
    [(b"Dgo away (#5.7.1)", 31, b"rejected"), (b"Znot now (#4.3.0)", 71, b"deferred")],
)
class TestARefusal:
    def test_is_handed_up(self, client: Client, reply: bytes, status: int, what: bytes) -> None:
        with Server(says(reply)) as server, Server(OK) as second:
            client.servers(server.line, second.line)
            sent = client.send()
        line = b"qmail-qmqpc: fatal: %s %s the message: %s\n" % (server.line.encode(), what, reply[1:])
        assert sent == Sent(82, line, reply)
        assert status
        assert second.received == []

    def test_is_a_status_where_nobody_listens(
        self, client: Client, reply: bytes, status: int, what: bytes
    ) -> None:
        with Server(says(reply)) as server:
            client.servers(server.line)
            sent = client.send(report=False)
        assert sent.status == status
        assert what in sent.stderr

    def test_may_come_before_the_message_was_sent(
        self, client: Client, reply: bytes, status: int, what: bytes
    ) -> None:
        with Server(says_early(reply)) as server:
            client.servers(server.line)
            sent = client.send(b"x" * 50_000_000)
        assert (sent.status, sent.report) == (82, reply)
        assert what in sent.stderr
        assert status


def test_words_of_a_server_forge_nothing(client: Client) -> None:
    with Server(says(b"Dno\r\n250 ok\n\x1b[2J\xff" + b"x" * 2000)) as server:
        client.servers(server.line)
        sent = client.send()
    assert sent.report == b"Dno??250 ok??[2J?" + b"x" * 238
    assert sent.stderr.count(b"\n") == 1


@pytest.mark.parametrize("reply", [b"1:D,", b"1:Z,"])
def test_a_refusal_without_words_is_a_status(client: Client, reply: bytes) -> None:
    with Server(answers(reply)) as server:
        client.servers(server.line)
        sent = client.send()
    assert (sent.status, sent.report) == (31 if reply == b"1:D," else 71, b"")


def test_only_a_pipe_is_reported_to(client: Client) -> None:
    (client.home / "precious").write_bytes(b"data")
    with Server(says(b"Dgo away")) as server:
        client.servers(server.line)
        assert client.send(report=False, redirect="6<>precious").status == 31
    assert (client.home / "precious").read_bytes() == b"data"


class TestFailover:
    """The next server is tried after one that did not answer; a second doubt is the last."""

    def test_down(self, client: Client, down: str) -> None:
        with Server(OK) as server:
            client.servers(down, server.line)
            assert client.send() == Sent(0, b"", b"")
        assert server.received == [PAYLOAD]

    def test_hung_up_before_the_end(self, client: Client) -> None:
        big = b"x" * 20_000_000
        with ExitStack() as stack:
            bad = [stack.enter_context(Server(hangs_up_early)) for _ in range(3)]
            good = stack.enter_context(Server(OK))
            client.servers(*(server.line for server in [*bad, good]))
            assert client.send(big).status == 0
        assert [server.connections for server in bad] == [1, 1, 1]
        assert len(good.received) == 1

    @pytest.mark.parametrize(
        ("behave", "reason"),
        [
            (answers(b""), b"connection closed"),
            (answers(b"12"), b"connection closed"),
            (answers(b"12:"), b"connection closed"),
            (answers(b"220 mail.example.com ESMTP OK\r\n"), b"not a QMQP server: not a netstring"),
            (answers(b"9:All fine!,"), b"not a QMQP server: neither K nor Z nor D"),
            (answers(b"0:,"), b"not a QMQP server: empty reply"),
            (answers(b"9" * 100), b"not a QMQP server: length has too many digits"),
            pytest.param(hangs, b"timed out", marks=pytest.mark.slow),
        ],
        ids=["closes", "half a length", "no letter", "smtp", "another letter", "empty", "digits", "hangs"],
    )
    class TestNoAnswer:
        def test_is_followed_by_one_more_try(
            self, client: Client, behave: Callable[[Server, socket.socket], None], reason: bytes
        ) -> None:
            if behave is hangs:
                client.control("timeoutremote", "5\n")  # which the good one has too
            with Server(behave) as bad, Server(OK) as good:
                client.servers(bad.line, good.line)
                assert client.send() == Sent(0, b"", b"")
            assert reason
            assert good.received == [PAYLOAD]

        def test_alone(
            self, client: Client, behave: Callable[[Server, socket.socket], None], reason: bytes
        ) -> None:
            if behave is hangs:
                client.control("timeoutremote", "1\n")
            with Server(behave) as bad:
                client.servers(bad.line)
                sent = client.send()
            assert sent == Sent(
                74,
                b"qmail-qmqpc: fatal: no QMQP server took the message; %s: no answer: %s\n"
                % (bad.line.encode(), reason),
                b"",
            )

    def test_two_doubts_are_enough(self, client: Client, down: str) -> None:
        with Server(answers(b"")) as first, Server(answers(b"")) as second, Server(OK) as good:
            client.servers(first.line, down, second.line, good.line)
            assert client.send().status == 74
        assert good.received == []

    @pytest.mark.parametrize("reply", [b"14:Kok", b"14:K"])
    def test_a_cut_acceptance_is_one(self, client: Client, reply: bytes) -> None:
        with Server(answers(reply)) as server, Server(OK) as second:
            client.servers(server.line, second.line)
            assert client.send().status == 0
        assert second.received == []

    def test_a_cut_refusal_is_one(self, client: Client) -> None:
        with Server(answers(b"100:Dgo away")) as server:
            client.servers(server.line)
            assert client.send().report == b"Dgo away"

    def test_an_acceptance_before_the_end_is_none(self, client: Client) -> None:
        with Server(says_early(b"Kok")) as liar, Server(OK) as good:
            client.servers(liar.line, good.line)
            assert client.send(b"x" * 20_000_000).status == 0
        assert len(good.received) == 1

    def test_all_down(self, client: Client, down: str) -> None:
        client.servers(down, "# comment", "", down)
        assert client.send() == Sent(
            73,
            b"qmail-qmqpc: fatal: no QMQP server took the message"
            + 2 * (b"; %s: unable to connect: connection refused" % down.encode())
            + b"\n",
            b"",
        )

    def test_a_reason_follows_the_failures_before_it(self, client: Client, down: str) -> None:
        with Server(says(b"Dno")) as server:
            client.servers(down, server.line)
            assert client.send().stderr == (
                b"qmail-qmqpc: fatal: %s: unable to connect: connection refused; %s rejected the message: no\n"
                % (down.encode(), server.line.encode())
            )


class TestWhereServersAre:
    def test_a_name(self, client: Client) -> None:
        with Server(OK) as server:
            client.servers(f"localhost:{server.port}")
            assert client.send().status == 0

    @ipv6.needed
    def test_ip6(self, client: Client) -> None:
        with Server(OK, host="::1") as server:
            client.servers(server.line)
            assert client.send().status == 0

    def test_a_socket(self, client: Client, tmp_path: Path) -> None:
        with Server(OK, path=tmp_path / "qmqp.sock") as server:
            client.servers(server.line)
            assert client.send().status == 0
        client.servers(str(tmp_path / "nowhere"))
        assert client.send().status == 73

    def test_words_after_an_address(self, client: Client) -> None:
        with Server(OK) as server:
            client.servers(f"{server.line}\tthe first one")
            assert client.send().status == 0

    def test_a_name_that_nobody_has(self, client: Client) -> None:
        client.servers("nowhere.invalid")
        sent = client.send()
        assert sent.status == 56
        assert sent.stderr.startswith(
            b"qmail-qmqpc: fatal: no QMQP server took the message; nowhere.invalid: unable to find it: "
        )

    @pytest.mark.parametrize(
        "line", ["host:port", "[::1", "user@host", "tls:/run/socket", "999.1.1.1", "1:2:3"]
    )
    def test_a_line_that_names_no_server_is_passed_over(self, client: Client, line: str) -> None:
        with Server(OK) as server:
            client.servers(line, server.line)
            assert client.send().status == 0
        client.servers(line)
        sent = client.send()
        assert sent.status in (55, 56)
        assert line.encode() in sent.stderr


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Path:
        (tmp_path / "tls").mkdir()
        return certificates.authority(tmp_path / "tls")

    @pytest.fixture
    def context(self, authority: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.signed(authority.parent, "server", "DNS:localhost,IP:127.0.0.1"))
        return context

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_certificate_for_the_host(
        self, client: Client, authority: Path, context: ssl.SSLContext, host: str
    ) -> None:
        client.control("qmqpca.pem", authority.read_text())
        with Server(OK, tls=context) as server:
            client.servers(f"tls:{host}:{server.port}")
            assert client.send(b"x" * 3_000_000) == Sent(0, b"", b"")
        assert len(server.received) == 1

    def test_an_unknown_authority(self, client: Client, context: ssl.SSLContext) -> None:
        with Server(OK, tls=context) as server:
            client.servers(f"tls:{server.line}")
            sent = client.send()
        assert sent.status == 73
        assert b": unable to connect: unable to get local issuer certificate\n" in sent.stderr
        assert server.received == []

    def test_a_certificate_for_another_host(self, client: Client, authority: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.signed(authority.parent, "other", "DNS:other.example"))
        client.control("qmqpca.pem", authority.read_text())
        with Server(OK, tls=context) as server:
            client.servers(f"tls:{server.line}")
            sent = client.send()
            assert sent.status == 73
            assert b"certificate is not valid for" in sent.stderr
            client.control("qmqpverify", "chain\n")
            assert client.send().status == 0
        assert len(server.received) == 1

    def test_a_server_that_asks_who_we_are(
        self, client: Client, authority: Path, context: ssl.SSLContext
    ) -> None:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        client.control("qmqpca.pem", authority.read_text())
        with Server(OK, tls=context) as server:
            client.servers(f"tls:{server.line}")
            assert client.send().status in (73, 74)
            mine = certificates.signed(authority.parent, "client", "DNS:null.example.com", "clientAuth")
            client.control("qmqpcert.pem", mine.read_text())
            assert client.send().status == 0
        assert len(server.received) == 1

    def test_a_server_without_tls(self, client: Client) -> None:
        with Server(OK) as server:
            client.servers(f"tls:{server.line}")
            assert client.send().status == 73
        assert server.received == []

    @pytest.mark.slow
    def test_a_server_that_never_shakes_hands(self, client: Client) -> None:
        client.control("timeoutconnect", "1\n")
        with Server(is_mute) as server:
            client.servers(f"tls:{server.line}")
            assert client.send().status == 72

    @pytest.mark.parametrize(
        ("name", "content"),
        [("qmqpca.pem", ""), ("qmqpca.pem", "nonsense"), ("qmqpcert.pem", ""), ("qmqpverify", "no\n")],
    )
    def test_what_cannot_be_used_does_not_make_it_less_strict(
        self, client: Client, context: ssl.SSLContext, name: str, content: str
    ) -> None:
        client.control(name, content)
        with Server(OK, tls=context) as server:
            client.servers(f"tls:{server.line}")
            sent = client.send()
        assert sent.status == 55
        assert b": unable to set up TLS: " in sent.stderr
        assert server.received == []


class TestBeforeAnyServer:
    """The status and the one line, when it does not come to that."""

    @pytest.fixture(autouse=True)
    def _servers(self, client: Client, down: str) -> None:
        client.servers(down)

    @pytest.mark.parametrize(
        ("envelope", "reason"),
        [
            (b"", b"the envelope does not end"),
            (b"Fjoe", b"the envelope does not end"),
            (b"Fjoe\0", b"the envelope does not end"),
            (b"Fjoe\0Tann\0", b"the envelope does not end"),
            (b"\0", b"a record of the envelope has a wrong letter"),
            (b"Tann\0\0", b"a record of the envelope has a wrong letter"),
            (b"Fjoe\0Fann\0\0", b"a record of the envelope has a wrong letter"),
            (b"Fjoe\0Tann\0x\0\0", b"a record of the envelope has a wrong letter"),
        ],
    )
    def test_bad_envelope(self, client: Client, envelope: bytes, reason: bytes) -> None:
        assert client.send(envelope=envelope) == Sent(91, b"qmail-qmqpc: fatal: " + reason + b"\n", b"")

    @pytest.mark.parametrize("envelope", [b"F%b\0\0", b"F\0T%b\0\0"])
    def test_address_too_long(self, client: Client, envelope: bytes) -> None:
        assert client.send(envelope=envelope % (b"x" * 1003)) == Sent(
            11, b"qmail-qmqpc: fatal: an address is too long\n", b""
        )

    @pytest.mark.parametrize(("closed", "what"), [("0<&-", b"message"), ("1>&-", b"envelope")])
    def test_nothing_to_read(self, client: Client, closed: str, what: bytes) -> None:
        assert client.send(redirect=closed) == Sent(
            54, b"qmail-qmqpc: fatal: unable to read %s: file descriptor not open\n" % what, b""
        )

    def test_no_home(self, client: Client, tmp_path: Path) -> None:
        sent = client.send(env={"QMAILHOME": str(tmp_path / "nowhere")})
        assert sent.status == 61
        assert sent.stderr == b"qmail-qmqpc: fatal: home directory %s/nowhere does not exist\n" % os.fsencode(
            tmp_path
        )

    def test_no_list_of_servers(self, client: Client) -> None:
        (client.home / "control/qmqpservers").unlink()
        assert client.send() == Sent(55, b"qmail-qmqpc: fatal: control/qmqpservers does not exist\n", b"")

    @pytest.mark.parametrize("name", ["me", "qmqpservers", "timeoutconnect", "timeoutremote"])
    def test_a_control_file_that_cannot_be_read(self, client: Client, name: str) -> None:
        (client.home / "control" / name).unlink(missing_ok=True)
        (client.home / "control" / name).mkdir()
        assert client.send() == Sent(
            55, f"qmail-qmqpc: fatal: unable to read control/{name}: is a directory\n".encode(), b""
        )

    def test_an_empty_list(self, client: Client) -> None:
        client.servers()
        assert client.send() == Sent(55, b"qmail-qmqpc: fatal: control/qmqpservers names no server\n", b"")

    def test_no_room_for_a_large_message(self, client: Client) -> None:
        sent = client.send(b"x" * 2_000_000, env={"TMPDIR": "/nowhere"})
        assert sent == Sent(
            53, b"qmail-qmqpc: fatal: unable to write temporary file: file does not exist\n", b""
        )
        sent = client.send(b"x" * 2_000_000, ulimit="ulimit -f 1500;")
        assert sent == Sent(53, b"qmail-qmqpc: fatal: unable to write temporary file: file too big\n", b"")

    def test_no_memory(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def exhausted(*_: object) -> None:
            raise MemoryError

        monkeypatch.setenv("QMAILHOME", str(client.home))
        monkeypatch.setattr("smarthost.programs.qmail.qmail_qmqpc.Controls", exhausted)
        assert qmail_qmqpc.main([]) == 51
        assert capfd.readouterr().err == "qmail-qmqpc: fatal: out of memory\n"


@pytest.mark.slow
def test_connecting_takes_too_long(client: Client) -> None:
    """A server whose backlog is full says nothing to a client that wants in."""
    client.control("timeoutconnect", "1\n")
    path = str(client.home / "full.sock")
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(path)
        listening.listen(0)
        first = stack.enter_context(socket.socket(socket.AF_UNIX))
        first.connect(path)
        client.servers(path)
        assert client.send() == Sent(
            72,
            b"qmail-qmqpc: fatal: no QMQP server took the message; %s: unable to connect: timed out\n"
            % path.encode(),
            b"",
        )


@pytest.mark.slow
def test_memory_stays_flat(client: Client) -> None:
    """100 MB more message, not 2 MB more memory."""
    # The kernel's own figure of a child's peak counts what its parent had before the exec.
    peak = """
import os
from smarthost.programs.qmail.qmail_qmqpc import main
status = main([])
[line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
os.write(2, line.split()[1].encode())
raise SystemExit(status)
"""

    def most(size: int) -> int:
        with (client.home / "message").open("wb") as large:
            large.truncate(size)
        (client.home / "envelope").write_bytes(ENVELOPE)
        with (
            Server(swallows) as server,
            (client.home / "message").open("rb") as message,
            (client.home / "envelope").open("rb") as envelope,
        ):
            client.servers(server.line)
            done = subprocess.run(
                [sys.executable, "-c", peak],
                stdin=message,
                stdout=envelope,
                stderr=subprocess.PIPE,
                env={**os.environ, "QMAILHOME": str(client.home)},
                timeout=TIMEOUT,
                check=False,
            )
        assert done.returncode == 0, done
        return int(done.stderr)

    assert most(110_000_000) - most(10_000_000) < 2048
