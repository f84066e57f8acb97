"""control/remotes: servers in order, until each recipient's fate is known."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from smarthost.formats import remotes as syntax
from tests.support import certificates, ipv6, qmqpserver
from tests.support.aiosmtp import PASSWORD, USER, serving
from tests.support.remote import MESSAGE, ON_THE_WIRE, home_of, remote, set_controls, summary
from tests.support.run import ours, run
from tests.support.smtpserver import Server, ehlo, hang, hang_up
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEAD = "127.0.0.1 smtp port=1"

# Name servers that do not answer are not waited for.
IMPATIENT = {"RES_OPTIONS": "timeout:1 attempts:1"}


def line_of(server: Server, options: str = "") -> str:
    return f"{server.host} smtp port={server.port} {options}"


def all_lines(*lines: str) -> str:
    return "\n".join(lines)


def test_everything_goes_there(tmp_path: Path) -> None:
    """Whatever the recipient's host, its routes and what DNS knows."""
    with Server() as server:
        home = home_of(tmp_path, remotes=line_of(server), smtproutes=":127.0.0.1:1")
        for host in ("there.example", "127.0.0.1", ""):
            reports = remote(home, host=host)
            assert reports == [b"r", b"K127.0.0.1 accepted message.\nRemote host said: 250 queued\n"]
    assert server.messages == [ON_THE_WIRE] * 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no server is named"),
        (" \n\t\n", "no server is named"),
        ("# nobody\n", "no server is named"),
        ("mail smtp port=25\nother smpt", "line 2: the protocol is neither smtp nor qmqp"),
        ("mail smtp pass=secret words", "line 1: option 2 is unknown, or its value is missing or too much"),
    ],
)
def test_a_file_that_makes_no_sense_defers(tmp_path: Path, content: str, problem: str) -> None:
    home = home_of(tmp_path, remotes=content)
    assert remote(home) == [f"ZUnable to read control/remotes: {problem}. (#4.3.5)\n".encode()]


def test_a_file_that_cannot_be_read_defers(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    (home / "control/remotes").mkdir()
    assert remote(home) == [b"ZUnable to read control/remotes: is a directory. (#4.3.0)\n"]


FAILING: dict[str, dict[str, Any]] = {
    "greeting refused": {"greeting": b"554 no\r\n"},
    "greeting busy": {"greeting": b"421 busy\r\n"},
    "dropped at once": {"greeting": hang_up},
    "name refused": {"EHLO": b"550 no\r\n", "HELO": b"550 no\r\n"},
    "sender not now": {"MAIL": b"451 no\r\n"},
    "dropped after MAIL": {"MAIL": hang_up},
    "recipient not now": {"RCPT": b"450 no\r\n"},
    "dropped after RCPT": {"RCPT": hang_up},
    "DATA not now": {"DATA": b"451 no\r\n"},
    "message not now": {"dot": b"451 no\r\n"},
    "nonsense": {"MAIL": b"what\r\n"},
    "in doubt": {"dot": hang_up},
}


@pytest.mark.parametrize("case", FAILING)
def test_the_next_takes_what_one_does_not(tmp_path: Path, case: str) -> None:
    with Server(FAILING[case]) as first, Server() as second, Server() as third:
        home = home_of(tmp_path, remotes=all_lines(line_of(first), line_of(second), line_of(third)))
        assert summary(remote(home)) == b"rK"
    assert first.connections == 1
    assert second.messages == [ON_THE_WIRE]
    assert third.connections == 0


REFUSING: dict[str, tuple[dict[str, Any], bytes]] = {
    "sender": ({"MAIL": b"550 no\r\n"}, b"D"),
    "recipient": ({"RCPT": b"550 no\r\n"}, b"hD"),
    "DATA": ({"DATA": b"554 no\r\n"}, b"D"),
    "message": ({"dot": b"554 no\r\n"}, b"D"),
}


@pytest.mark.parametrize("case", REFUSING)
def test_what_is_refused_for_good_is_final(tmp_path: Path, case: str) -> None:
    replies, letters = REFUSING[case]
    with Server(replies) as first, Server() as second:
        home = home_of(tmp_path, remotes=all_lines(DEAD, line_of(first), line_of(second)))
        reports = remote(home)
    assert summary(reports) == letters
    assert second.connections == 0


def test_nobody_is_there(tmp_path: Path) -> None:
    with Server({"greeting": b"421 busy\r\n"}) as busy:
        home = home_of(tmp_path, remotes=all_lines(DEAD, line_of(busy), "no-such-host.invalid"))
        [report] = remote(home, env=IMPATIENT)
    assert report.startswith(
        b"Z127.0.0.1: unable to connect: connection refused. (#4.4.1)\n"
        b"Connected to 127.0.0.1 but greeting failed.\nRemote host said: 421 busy\n"
        b"no-such-host.invalid: unable to find it: "
    )


def test_each_recipients_fate(tmp_path: Path) -> None:
    """The first takes one, refuses one, and does not know yet; the second is asked about the rest alone."""
    first = {"RCPT": [b"250 ok\r\n", b"550 no\r\n", b"450 later\r\n", b"450 later\r\n"]}
    second = {"RCPT": [b"250 ok\r\n", b"450 too\r\n"]}
    with Server(first) as one, Server(second) as two:
        home = home_of(tmp_path, remotes=all_lines(line_of(one), line_of(two)))
        reports = remote(home, "a@x", "b@x", "c@x", "d@x")
    assert summary(reports) == b"rhrsK"
    assert [command for command in two.commands if command.startswith(b"RCPT")] == [
        b"RCPT TO:<c@x>",
        b"RCPT TO:<d@x>",
    ]
    assert reports[3] == (
        b"s127.0.0.1 does not like recipient.\nRemote host said: 450 later\n"
        b"127.0.0.1 does not like recipient.\nRemote host said: 450 too\n"
    )


def test_fates_when_the_message_is_refused(tmp_path: Path) -> None:
    with Server({"RCPT": [b"250 ok\r\n", b"550 no\r\n"], "dot": b"554 spam\r\n"}) as one, Server() as two:
        home = home_of(tmp_path, remotes=all_lines(line_of(one), line_of(two)))
        reports = remote(home, "a@x", "b@x")
    assert summary(reports) == b"hhD"
    assert b"554 spam" in reports[0]
    assert two.connections == 0


def test_fates_when_nobody_else_answers(tmp_path: Path) -> None:
    with Server({"RCPT": [b"550 no\r\n", b"250 ok\r\n"], "dot": b"451 later\r\n"}) as one:
        home = home_of(tmp_path, remotes=all_lines(line_of(one), DEAD))
        assert summary(remote(home, "a@x", "b@x")) == b"hsD"


def test_two_doubts_are_enough(tmp_path: Path) -> None:
    with Server({"dot": hang_up}) as one, Server({"dot": hang_up}) as two, Server() as three:
        home = home_of(tmp_path, remotes=all_lines(line_of(one), line_of(two), line_of(three)))
        [report] = remote(home)
    assert report.count(b"Possible duplicate!") == 2
    assert three.connections == 0


def test_a_last_line_is_completed(tmp_path: Path) -> None:
    with Server() as server:
        home = home_of(tmp_path, remotes=line_of(server))
        assert summary(remote(home, message=b"a\nb")) == b"rK"
    assert server.messages == [b"a\r\nb\r\n"]


@pytest.mark.slow
def test_sendtimeout(tmp_path: Path) -> None:
    """Whatever each reply may take."""
    with Server({"MAIL": hang}) as one, Server() as two:
        home = home_of(tmp_path, remotes=all_lines(line_of(one), line_of(two)), sendtimeout="1")
        # The second has no more time: on a slow machine that may be too little.
        eventually(lambda: summary(remote(home)) == b"rK", "the second to take it")
        set_controls(home, sendtimeout="0", remotes=line_of(two))
        assert summary(remote(home)) == b"rK"


def test_source(tmp_path: Path) -> None:
    peers = []

    def greeting(talk: Any) -> bytes:
        peers.append(talk.connection.getpeername()[0])
        talk.say(b"220 hi\r\n")
        return b"220 hi\r\n"

    with Server({"greeting": greeting}) as server:
        home = home_of(tmp_path, remotes=line_of(server, "source=127.0.0.7"))
        assert summary(remote(home)) == b"rK"
        set_controls(home, remotes=line_of(server, "source=::1"))
        assert remote(home) == [b"Z127.0.0.1: there is no way to it from the source address. (#4.4.1)\n"]
        set_controls(home, remotes=line_of(server, "source=192.0.2.1"))
        assert remote(home)[0].startswith(b"Z127.0.0.1: unable to connect: ")
    assert peers == ["127.0.0.7"]


@ipv6.needed
def test_six(tmp_path: Path) -> None:
    with Server(host="::1") as server:
        for host in ("::1", "[::1]"):
            home = home_of(tmp_path, remotes=f"{host} smtp port={server.port}")
            assert remote(home)[1].startswith(b"K::1 accepted message.")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
class TestLogin:
    LINE = f"127.0.0.1 smtp user={USER.decode()} pass='{PASSWORD.decode()}' "

    @pytest.mark.parametrize(
        ("options", "excluded"),
        [("", []), ("auth-login", []), ("", ["PLAIN"])],
        ids=["PLAIN", "asked for LOGIN", "only LOGIN"],
    )
    def test_in(self, tmp_path: Path, options: str, excluded: list[str]) -> None:
        with serving(auth=True, auth_exclude_mechanism=excluded) as (inbox, port):
            home = home_of(tmp_path, remotes=f"{self.LINE} port={port} {options}")
            assert summary(remote(home)) == b"rK"
        assert inbox.logins == [(USER, PASSWORD)]
        assert len(inbox.mail) == 1

    def test_refused_it_is_tried_elsewhere_and_kept(self, tmp_path: Path) -> None:
        with serving(auth=True) as (inbox, port), Server() as other:
            line = f"127.0.0.1 smtp port={port} user=joe pass=wr0ng"
            home = home_of(tmp_path, remotes=line)
            [report] = remote(home)
            assert report.startswith(
                b"ZConnected to 127.0.0.1 but my login was rejected.\nRemote host said: 535"
            )
            set_controls(home, remotes=all_lines(line, line_of(other)))
            assert summary(remote(home)) == b"rK"
        assert inbox.mail == []

    @pytest.mark.parametrize("replies", [{"EHLO": ehlo("SIZE")}, {"EHLO": ehlo("AUTH CRAM-MD5")}])
    def test_not_offered(self, tmp_path: Path, replies: dict[str, Any]) -> None:
        with Server(replies) as server:
            home = home_of(tmp_path, remotes=f"{self.LINE} port={server.port}")
            [report] = remote(home)
        assert report == b"ZConnected to 127.0.0.1 but it offers no way to log in that I know. (#4.7.0)\n"
        assert server.messages == []

    def test_a_password_is_never_shown(self, tmp_path: Path) -> None:
        """Not even by a server that repeats what it is sent: it is repeated in base64, as it came."""
        options = (
            "starttls",
            "tls",
            "port=1",
            "x509cafile=/none starttls",
            "source=192.0.2.1",
            "nonsense",
            "'",
        )
        with Server({"EHLO": ehlo("AUTH PLAIN", "STARTTLS"), "AUTH": b"535 no\r\n"}) as server:
            home = home_of(tmp_path)
            for option in ("", *options):
                set_controls(home, remotes=f"127.0.0.1 smtp port={server.port} user=joe pass=s3cret {option}")
                [report] = remote(home)
                assert report.startswith(b"Z"), option
                assert b"s3cret" not in report
        assert "s3cret" not in repr(syntax.servers(b"h smtp user=joe pass=s3cret"))


class TestTls:
    @pytest.fixture
    def server(self, tmp_path: Path) -> ssl.SSLContext:
        certificates.authority(tmp_path)
        both = certificates.signed(tmp_path, "server", "DNS:localhost")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(both)
        return context

    @pytest.fixture
    def both(self, server: ssl.SSLContext) -> Iterator[list[tuple[Any, str]]]:
        """One that starts TLS, one that speaks nothing else."""
        with ExitStack() as stack:
            started, port = stack.enter_context(serving(tls=server))
            wrapped, other = stack.enter_context(serving(tls=server, wrapped=True))
            yield [(started, f"smtp port={port} starttls"), (wrapped, f"smtp port={other} tls")]

    def test_a_certificate_is_checked(self, tmp_path: Path, both: list[tuple[Any, str]]) -> None:
        home = home_of(tmp_path)
        authority = f"x509cafile={tmp_path}/authority.pem"
        for inbox, options in both:
            for line, letters in (
                (f"localhost {options} {authority}", b"rK"),
                (f"127.0.0.1 {options} {authority}", b"Z"),
                (f"localhost {options}", b"Z"),
                (f"127.0.0.1 {options} insecure", b"rK"),
                (f"localhost {options} x509cafile=/none/such", b"Z"),
            ):
                set_controls(home, remotes=line)
                assert summary(remote(home)) == letters, line
            assert inbox.over_tls == [True, True]

    def test_the_systems_authorities(self, tmp_path: Path, both: list[tuple[Any, str]]) -> None:
        home = home_of(tmp_path)
        empty = tmp_path / "empty"
        empty.mkdir()
        whole = str(tmp_path / "authority.pem")
        apart = str(certificates.hashed(tmp_path, "authority.pem"))
        for _, options in both:
            set_controls(home, remotes=f"localhost {options}")
            for env, letters in (
                ({"SSL_CERT_DIR": apart}, b"rK"),
                ({"SSL_CERT_FILE": whole, "SSL_CERT_DIR": str(empty)}, b"rK"),
                ({"SSL_CERT_FILE": "/none", "SSL_CERT_DIR": str(empty)}, b"Z"),
                ({"SSL_CERT_DIR": "/none"}, b"Z"),
            ):
                assert summary(remote(home, env=env)) == letters, env

    def test_names_that_no_certificate_has(self) -> None:
        from smarthost.unix import tls

        for host in (b"\xff.example", b".example", b"a..b"):
            plain, other = socket.socketpair()
            with plain, other, pytest.raises(OSError):
                tls.start(tls.open_context(), plain, host)

    def test_what_went_wrong_is_said(self, tmp_path: Path, both: list[tuple[Any, str]]) -> None:
        home = home_of(tmp_path)
        for _, options in both:
            set_controls(home, remotes=f"127.0.0.1 {options}")
            [report] = remote(home)
            assert report.startswith(b"ZConnected to 127.0.0.1 but TLS failed: ")
            assert report.endswith(b" (#4.7.5)\n")

    def test_files_in_der(self, tmp_path: Path, both: list[tuple[Any, str]], server: ssl.SSLContext) -> None:
        home = home_of(tmp_path)
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(tmp_path / "authority.pem")
        certificates.signed(tmp_path, "client", "DNS:me.example", "clientAuth")
        for name, kind in (("authority.pem", "x509"), ("client.crt", "x509"), ("client.key", "pkey")):
            certificates.to_der(tmp_path, name, kind)
        der = f"x509fmtder x509cafile={tmp_path}/authority.pem.der x509certfile={tmp_path}/client.crt.der "
        pem = f"x509cafile={tmp_path}/authority.pem "
        for inbox, options in both:
            for files in (
                der + f"x509keyfile={tmp_path}/client.key.der",
                pem + f"x509certfile={tmp_path}/client.pem",
                pem + f"x509certfile={tmp_path}/client.crt x509keyfile={tmp_path}/client.key",
            ):
                set_controls(home, remotes=f"localhost {options} {files}")
                assert summary(remote(home)) == b"rK", files
            set_controls(home, remotes=f"localhost {options} {pem}")
            assert summary(remote(home)) == b"Z"
            set_controls(home, remotes=f"localhost {options} {der}")
            assert summary(remote(home)) == b"Z"
            assert len(inbox.mail) == 3

    def test_revoked(self, tmp_path: Path, both: list[tuple[Any, str]]) -> None:
        home = home_of(tmp_path)
        for revoked, letters in (([], b"rK"), (["server.crt"], b"Z")):
            certificates.revoke(tmp_path, revoked)
            for _, options in both:
                files = f"x509cafile={tmp_path}/authority.pem x509crlfile={tmp_path}/revoked.pem"
                set_controls(home, remotes=f"localhost {options} {files}")
                assert summary(remote(home)) == letters

    def test_without_certificates(self, tmp_path: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL:@SECLEVEL=0")
        with Server({"EHLO": ehlo("STARTTLS")}, tls=context) as server:
            home = home_of(tmp_path, remotes=line_of(server, "starttls insecure tls-anon-auth"))
            assert summary(remote(home)) == b"rK"
            set_controls(home, remotes=line_of(server, "starttls insecure"))
            assert summary(remote(home)) == b"Z"

    def test_not_offered(self, tmp_path: Path) -> None:
        with Server({"EHLO": ehlo("SIZE")}) as server:
            home = home_of(tmp_path, remotes=line_of(server, "starttls insecure"))
            assert remote(home) == [b"ZConnected to 127.0.0.1 but it does not offer TLS. (#4.7.4)\n"]
            set_controls(home, remotes=line_of(server, "tls insecure"))
            assert remote(home)[0].startswith(b"ZConnected to 127.0.0.1 but TLS failed: ")
        assert server.messages == []

    def test_our_certificate_is_who_we_are(self, tmp_path: Path, server: ssl.SSLContext) -> None:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(tmp_path / "authority.pem")
        certificates.signed(tmp_path, "client", "DNS:me.example", "clientAuth")
        answers = {"EHLO": [ehlo("STARTTLS"), ehlo("AUTH EXTERNAL")]}
        with Server(answers, tls=server) as external:
            files = f"x509cafile={tmp_path}/authority.pem x509certfile={tmp_path}/client.pem"
            home = home_of(
                tmp_path, remotes=f"localhost smtp port={external.port} starttls auth-external {files}"
            )
            assert summary(remote(home)) == b"rK"
        assert b"AUTH EXTERNAL =" in external.commands


class TestQmqp:
    def request(self) -> bytes:
        return b"%d:%b,16:joe@here.example,21:carolyn@there.example," % (len(MESSAGE), MESSAGE)

    @pytest.mark.parametrize(
        "form", ["127.0.0.1 qmqp port={port}", "127.0.0.1:{port} qmqp", "localhost qmqp --port={port}"]
    )
    def test_accepted(self, tmp_path: Path, form: str) -> None:
        with qmqpserver.Server(qmqpserver.says(b"Kok 1 qp 2")) as server:
            home = home_of(tmp_path, remotes=form.format(port=server.port))
            reports = remote(home)
        host = form.split(maxsplit=1)[0].format(port=server.port).encode()
        assert reports == [b"r", b"K" + host + b" accepted message.\nRemote host said: ok 1 qp 2\n"]
        assert server.received == [self.request()]

    def test_a_socket(self, tmp_path: Path) -> None:
        with qmqpserver.Server(qmqpserver.says(b"Kok"), path=tmp_path / "s") as server:
            home = home_of(tmp_path, remotes=f"{tmp_path}/s qmqp")
            assert summary(remote(home)) == b"rK"
        assert server.received == [self.request()]

    def test_several_recipients_and_no_last_newline(self, tmp_path: Path) -> None:
        with qmqpserver.Server(qmqpserver.says(b"Kok")) as server:
            home = home_of(tmp_path, remotes=f"127.0.0.1 qmqp port={server.port}")
            assert summary(remote(home, "a b@x", "c", sender="", message=b"part")) == b"rrK"
        assert server.received == [b"4:part,0:,5:a b@x,1:c,"]

    def test_refused_and_deferred(self, tmp_path: Path) -> None:
        with (
            qmqpserver.Server(qmqpserver.says(b"Dno \xff")) as no,
            qmqpserver.Server(qmqpserver.says(b"Zlater")) as later,
            Server() as other,
        ):
            lines = [f"127.0.0.1 qmqp port={server.port}" for server in (later, no)]
            home = home_of(tmp_path, remotes=all_lines(*lines, line_of(other)))
            [report] = remote(home)
            assert report == (
                b"D127.0.0.1 deferred the message.\nRemote host said: later\n"
                b"127.0.0.1 rejected the message.\nRemote host said: no ?\n"
            )
            set_controls(home, remotes=lines[0])
            assert summary(remote(home)) == b"Z"
            set_controls(home, remotes=all_lines(lines[0], line_of(other)))
            assert summary(remote(home)) == b"rK"
        assert other.messages == [ON_THE_WIRE]

    def test_no_answer(self, tmp_path: Path) -> None:
        def dropped(server: qmqpserver.Server, connection: Any) -> None:
            server.read_request(connection)

        with (
            qmqpserver.Server(dropped) as one,
            qmqpserver.Server(dropped) as two,
            Server() as other,
        ):
            lines = [f"127.0.0.1 qmqp port={server.port}" for server in (one, two)]
            home = home_of(tmp_path, remotes=all_lines(*lines, line_of(other)))
            [report] = remote(home)
            assert report.count(b"127.0.0.1: no answer: connection closed. (#4.4.1)\n") == 2
            assert other.connections == 0
            set_controls(home, remotes=all_lines(lines[0], line_of(other)))
            assert summary(remote(home)) == b"rK"

    def test_tls(self, tmp_path: Path) -> None:
        certificates.authority(tmp_path)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates.signed(tmp_path, "server", "DNS:localhost"))
        with qmqpserver.Server(qmqpserver.says(b"Kok"), tls=context) as server:
            authority = f"x509cafile={tmp_path}/authority.pem"
            for line, letters in (
                (f"tls:localhost:{server.port} qmqp {authority}", b"rK"),
                (f"localhost qmqp tls port={server.port} {authority}", b"rK"),
                (f"localhost qmqp tls port={server.port}", b"Z"),
                (f"127.0.0.1 qmqp tls port={server.port} insecure", b"rK"),
            ):
                home = home_of(tmp_path, remotes=line)
                assert summary(remote(home)) == letters

    def test_hosts_that_are_none(self, tmp_path: Path) -> None:
        home = home_of(tmp_path, remotes="a_b:c:d qmqp")
        assert summary(remote(home, env=IMPATIENT)) == b"Z"
        home = home_of(tmp_path, remotes="no-such-host.invalid qmqp")
        assert remote(home, env=IMPATIENT)[0].startswith(b"Zno-such-host.invalid: unable to find it: ")

    def test_source(self, tmp_path: Path) -> None:
        peers = []

        def behave(server: qmqpserver.Server, connection: Any) -> None:
            peers.append(connection.getpeername()[0])
            qmqpserver.says(b"Kok")(server, connection)

        with qmqpserver.Server(behave) as server:
            home = home_of(tmp_path, remotes=f"127.0.0.1 qmqp port={server.port} source=127.0.0.8")
            assert summary(remote(home)) == b"rK"
        assert peers == ["127.0.0.8"]


def test_a_message_that_cannot_be_read(tmp_path: Path) -> None:
    with qmqpserver.Server(qmqpserver.says(b"Kok")) as qmqp, Server() as smtp:
        for line in (f"127.0.0.1 qmqp port={qmqp.port}", line_of(smtp)):
            home = home_of(tmp_path, remotes=line)
            argv = ["sh", "-c", 'exec "$0" h joe@x carolyn@y 0>"$QMAILHOME/unreadable"', ours("qmail-remote")]
            done = run(argv, env={"QMAILHOME": str(home)})
            assert done.stdout == b"ZUnable to read message. (#4.3.0)\n\0"
    assert qmqp.received == smtp.messages == []
