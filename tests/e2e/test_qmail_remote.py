"""qmail-remote with a real SMTP server: what arrives, and what is reported."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.support import certificates, ipv6
from tests.support.aiosmtp import serving
from tests.support.nameserver import LARGE, REFUSED, SERVFAIL, NameServer, lonely_address
from tests.support.remote import MESSAGE, ON_THE_WIRE, home_of, remote, summary
from tests.support.run import ours, run
from tests.support.smtpserver import Server, ehlo, hang_up, then_hang_up

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nameserver import Zone


def route(port: int) -> str:
    return f":127.0.0.1:{port}"


def test_a_message_arrives(tmp_path: Path) -> None:
    with serving() as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        reports = remote(home, "carolyn@there.example", "dave@there.example")
    assert reports == [b"r", b"r", b"K127.0.0.1 accepted message.\nRemote host said: 250 2.0.0 taken\n"]
    [mail] = inbox.mail
    assert (mail.mail_from, mail.rcpt_tos) == (
        "joe@here.example",
        ["carolyn@there.example", "dave@there.example"],
    )
    assert mail.content == MESSAGE.replace(b"\n", b"\r\n")
    assert f"SIZE={len(MESSAGE) + MESSAGE.count(10)}" in mail.mail_options


def test_some_recipients_are_not_accepted(tmp_path: Path) -> None:
    with serving() as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        reports = remote(home, "no-one@x.example", "later-on@x.example", "dave@x.example")
        assert summary(reports) == b"hsrK"
        assert reports[0] == (
            b"h127.0.0.1 does not like recipient.\nRemote host said: 550 5.1.1 no such user\n"
        )
        assert summary(remote(home, "no-one@x.example")) == b"hD"
        assert summary(remote(home, "later-on@x.example")) == b"sD"
    assert [mail.rcpt_tos for mail in inbox.mail] == [["dave@x.example"]]


def test_a_message_is_not_accepted(tmp_path: Path) -> None:
    with serving() as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        assert summary(remote(home, message=b"X-Spam: yes\n\n")) == b"rD"
        assert summary(remote(home, message=b"X-Busy: yes\n\n")) == b"rZ"
    assert inbox.mail == []


def test_a_size_that_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with serving(data_size_limit=1000) as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        [report] = remote(home, message=b"x\n" * 600)
        assert report.startswith(b"DConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 552")
    assert inbox.mail == []


@pytest.mark.slow
def test_a_large_message_is_not_held(tmp_path: Path) -> None:
    """Twenty times what the process may have in memory beyond its own."""
    message = b"From: joe\n\n" + (b"x" * 999 + b"\n") * 40_000
    path = tmp_path / "message"
    path.write_bytes(message)
    with Server() as server:
        home = home_of(tmp_path, smtproutes=route(server.port))
        argv = ["sh", "-c", 'exec "$@" <"$0"', str(path), "prlimit", "--data=12000000", ours("qmail-remote")]
        done = run([*argv, "there.example", "joe@x", "carolyn@y"], env={"QMAILHOME": str(home)})
    assert done.stdout.startswith(b"r\0K127.0.0.1 accepted message."), done
    assert server.messages == [message.replace(b"\n", b"\r\n")]


def test_announced_letters(tmp_path: Path) -> None:
    with serving(enable_SMTPUTF8=True, decode_data=False) as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        sender, recipient = "jörg@here.example", "käthe@bücher.example"
        assert summary(remote(home, recipient, sender=sender, message="Subject: ü\n\nä\n".encode())) == b"rK"
        assert summary(remote(home, message="Subject: ü\n\n".encode())) == b"rK"
    first, second = inbox.mail
    assert first.rcpt_tos in (['"käthe"@bücher.example'], [recipient])
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(first.mail_options)
    assert "SMTPUTF8" not in second.mail_options


def test_where_letters_are_not_known(tmp_path: Path) -> None:
    with serving() as (inbox, port):
        home = home_of(tmp_path, smtproutes=route(port))
        reports = remote(home, "käthe@x.example", "carolyn@bücher.example")
        assert summary(reports) == b"hrK"
    assert inbox.mail[0].rcpt_tos == ["carolyn@xn--bcher-kva.example"]


class TestTls:
    @pytest.fixture
    def context(self, tmp_path: Path) -> ssl.SSLContext:
        certificates.authority(tmp_path)
        both = certificates.signed(tmp_path, "server", "DNS:mail.example,IP:127.0.0.1")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(both)
        return context

    def test_it_is_used_where_it_is_offered(self, tmp_path: Path, context: ssl.SSLContext) -> None:
        with serving(tls=context) as (inbox, port):
            home = home_of(tmp_path, smtproutes=route(port))
            assert summary(remote(home)) == b"rK"
        assert inbox.over_tls == [True]

    def test_where_it_fails_the_message_goes_without(self, tmp_path: Path) -> None:
        with Server({"EHLO": ehlo("STARTTLS"), "STARTTLS": then_hang_up(b"220 go on\r\nnonsense")}) as server:
            home = home_of(tmp_path, smtproutes=route(server.port))
            assert summary(remote(home)) == b"rK"
        assert server.connections == 2
        assert server.messages == [ON_THE_WIRE]

    def test_where_it_fails_late_too(self, tmp_path: Path, context: ssl.SSLContext) -> None:
        """In TLS 1.3 the server looks at our certificate when the handshake is over for us."""
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with Server({"EHLO": ehlo("STARTTLS")}, tls=context) as server:
            home = home_of(tmp_path, smtproutes=route(server.port))
            assert summary(remote(home)) == b"rK"
            assert server.connections == 2
            (home / "control/tlshosts").mkdir()
            (home / "control/tlshosts/127.0.0.1.pem").write_bytes((tmp_path / "authority.pem").read_bytes())
            assert summary(remote(home)) == b"Z"
        assert server.messages == [ON_THE_WIRE]

    def test_what_comes_in_the_open_before_it_does_not_count(
        self, tmp_path: Path, context: ssl.SSLContext
    ) -> None:
        answers = {"EHLO": ehlo("STARTTLS"), "STARTTLS": b"220 go on\r\n250 injected\r\n"}
        with Server(answers, tls=context) as server:
            home = home_of(tmp_path, smtproutes=route(server.port))
            assert summary(remote(home)) == b"rK"
            (home / "control/tlshosts").mkdir()
            (home / "control/tlshosts/127.0.0.1.pem").write_bytes((tmp_path / "authority.pem").read_bytes())
            [report] = remote(home)
        assert report == b"ZConnected to 127.0.0.1 but TLS failed: something came before it (#4.7.5)\n"

    def test_hosts_that_must(self, tmp_path: Path, context: ssl.SSLContext) -> None:
        other = tmp_path / "other"
        other.mkdir()
        certificates.authority(other)
        with serving(tls=context) as (inbox, port), Server({"EHLO": ehlo("SIZE")}) as plain:
            home = home_of(tmp_path, smtproutes=route(port))
            required = home / "control/tlshosts/127.0.0.1.pem"
            required.parent.mkdir()
            required.write_bytes((tmp_path / "authority.pem").read_bytes())
            assert summary(remote(home)) == b"rK"
            assert inbox.over_tls == [True]
            required.write_bytes((other / "authority.pem").read_bytes())
            [report] = remote(home)
            assert report.startswith(b"ZConnected to 127.0.0.1 but TLS failed: ")
            required.write_bytes(b"nothing")
            [report] = remote(home)
            assert report.startswith(b"ZConnected to 127.0.0.1 but TLS failed: ")
            (home / "control/smtproutes").write_text(route(plain.port))
            assert remote(home) == [b"ZConnected to 127.0.0.1 but it does not offer TLS. (#4.7.4)\n"]
        assert len(inbox.mail) == 1
        assert plain.messages == []

    def test_a_certificate_for_another_host(self, tmp_path: Path) -> None:
        certificates.authority(tmp_path)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates.signed(tmp_path, "server", "DNS:other.example"))
        with serving(tls=context) as (inbox, port):
            home = home_of(tmp_path, smtproutes=route(port))
            assert summary(remote(home)) == b"rK"  # it need not be looked at
            (home / "control/tlshosts").mkdir()
            (home / "control/tlshosts/127.0.0.1.pem").write_bytes((tmp_path / "authority.pem").read_bytes())
            assert summary(remote(home)) == b"Z"
        assert inbox.over_tls == [True]

    def test_hosts_that_must_not(self, tmp_path: Path, context: ssl.SSLContext) -> None:
        with serving(tls=context) as (inbox, port):
            home = home_of(tmp_path, smtproutes=route(port))
            no, yes = home / "control/notlshosts", home / "control/tlshosts"
            no.mkdir()
            (no / "127.0.0.1").touch()
            assert summary(remote(home)) == b"rK"
            (no / "127.0.0.1").unlink()
            yes.mkdir()
            (yes / "exhaustivelist").touch()
            assert summary(remote(home)) == b"rK"
        assert inbox.over_tls == [False, False]

    def test_our_own_certificate_and_ciphers(self, tmp_path: Path, context: ssl.SSLContext) -> None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tmp_path / "authority.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        certificate = certificates.signed(tmp_path, "client", "DNS:me.example", "clientAuth")
        with serving(tls=context) as (inbox, port):
            home = home_of(tmp_path, smtproutes=route(port), tlsclientciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
            (home / "control/clientcert.pem").write_bytes(certificate.read_bytes())
            assert summary(remote(home)) == b"rK"
            assert inbox.over_tls == [True]
            (home / "control/clientcert.pem").write_bytes(b"")
            assert summary(remote(home)) == b"rK"
            assert inbox.over_tls == [True, False]


def zone_of(**hosts: str) -> Zone:
    return {f"{name}.example": {"A": [address]} for name, address in hosts.items()}


class TestDns:
    """Port 25, and a name server at port 53: only root may."""

    def home(self, tmp_path: Path) -> Path:
        return home_of(tmp_path, timeoutconnect="5")

    @staticmethod
    def mail_server(**replies: object) -> Server:
        try:
            return Server(replies, host=lonely_address(), port=25)
        except PermissionError:
            pytest.skip("this user may not listen at port 25")

    def test_the_preferred_exchanger_first(self, tmp_path: Path) -> None:
        with self.mail_server() as server:
            zone = {
                "there.example": {"MX": ["20 backup.example.", "10 mail.example."]},
                **zone_of(mail=server.host, backup="127.0.0.250"),
            }
            with NameServer(zone) as names:
                assert summary(remote(self.home(tmp_path), env=names.env)) == b"rK"
            assert server.messages == [ON_THE_WIRE]

    def test_the_next_if_that_does_not_listen_or_will_not_talk(self, tmp_path: Path) -> None:
        bad = {"greeting": [b"421 busy\r\n", hang_up, b"554 no\r\n", b"220 hi\r\n"], "HELO": b"550 no\r\n"}
        with self.mail_server() as server, Server(bad, host=lonely_address(1), port=25) as busy:
            zone = {
                "there.example": {"MX": ["5 dead.example.", "10 busy.example.", "20 mail.example."]},
                **zone_of(mail=server.host, busy=busy.host, dead="127.0.0.250"),
            }
            with NameServer(zone) as names:
                for _ in range(4):
                    assert summary(remote(self.home(tmp_path), env=names.env)) == b"rK"
            assert busy.connections == 4
            assert len(server.messages) == 4

    def test_no_other_once_the_message_was_mentioned(self, tmp_path: Path) -> None:
        for replies, letters in (
            ({"MAIL": b"451 no\r\n"}, b"Z"),
            ({"MAIL": hang_up}, b"Z"),
            ({"dot": hang_up}, b"rZ"),
        ):
            with self.mail_server() as server, Server(replies, host=lonely_address(1), port=25) as first:
                zone = {
                    "there.example": {"MX": ["10 first.example.", "20 mail.example."]},
                    **zone_of(mail=server.host, first=first.host),
                }
                with NameServer(zone) as names:
                    assert summary(remote(self.home(tmp_path), env=names.env)) == letters
                assert server.connections == 0

    def test_the_host_itself_without_exchangers(self, tmp_path: Path) -> None:
        with self.mail_server() as server:
            zone = {
                **zone_of(there=server.host),
                "alias.example": {"CNAME": ["there.example."]},
                "xn--bcher-kva.example": {"MX": ["1 there.example."]},
            }
            with NameServer(zone) as names:
                for host in ("there.example", "alias.example", "THERE.example.", "bücher.example"):
                    assert summary(remote(self.home(tmp_path), host=host, env=names.env)) == b"rK"

    def test_more_than_fits_into_a_packet(self, tmp_path: Path) -> None:
        with self.mail_server() as server:
            dead = [f"{at} dead{at}.a-name-that-is-long.example." for at in range(20, 60)]
            zone = {
                "there.example": {"MX": LARGE, LARGE: ["1 mail.example.", *dead]},
                **zone_of(mail=server.host),
            }
            with NameServer(zone) as names:
                assert summary(remote(self.home(tmp_path), env=names.env)) == b"rK"

    @ipv6.needed
    def test_six(self, tmp_path: Path) -> None:
        with Server(host="::1") as server:
            home = home_of(tmp_path, smtproutes=f":[::1]:{server.port}")
            assert remote(home)[1].startswith(b"K::1 accepted message.")
            (home / "control/outgoingip").write_text("127.0.0.1\n")
            assert summary(remote(home)) == b"Z"

    @pytest.mark.parametrize(
        ("zone", "report"),
        [
            ({}, b"DSorry, I couldn't find any host named there.example. (#5.1.2)\n"),
            (
                {"there.example": {"TXT": ["x"]}},
                b"DSorry, I couldn't find any host named there.example. (#5.1.2)\n",
            ),
            (
                {"there.example": {"ANY": SERVFAIL}},
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {"there.example": {"ANY": REFUSED}},
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {"there.example": {"A": SERVFAIL}},
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {"there.example": {"AAAA": SERVFAIL}},
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {"there.example": {"MX": SERVFAIL, "A": ["127.0.0.250"]}},
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {"there.example": {"MX": ["0 ."]}},
                b"DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n",
            ),
            (
                {"there.example": {"MX": ["0 gone.example."]}},
                b"DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n",
            ),
            (
                {
                    "there.example": {"MX": ["0 gone.example.", "1 mail.example."]},
                    "mail.example": {"ANY": SERVFAIL},
                },
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {
                    "there.example": {"MX": ["0 gone.example.", "1 mail.example."]},
                    "mail.example": {"A": ["127.0.0.250"]},
                },
                b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
            ),
            (
                {"there.example": {"A": ["127.0.0.1"]}},
                b"DSorry. Although I'm listed as a best-preference MX or A",
            ),
            (
                {"there.example": {"A": ["0.0.0.0"]}},
                b"DSorry. Although I'm listed as a best-preference MX or A",
            ),
            (
                {"there.example": {"AAAA": ["::1"]}},
                b"DSorry. Although I'm listed as a best-preference MX or A",
            ),
            (
                {
                    "there.example": {"MX": ["10 me.example.", "10 mail.example.", "20 mail.example."]},
                    "me.example": {"A": ["127.0.0.1"]},
                    "mail.example": {"A": ["127.0.0.250"]},
                },
                b"DSorry. Although I'm listed as a best-preference MX or A",
            ),
            (
                {
                    "there.example": {"MX": ["10 me.example.", "5 mail.example."]},
                    "me.example": {"A": ["127.0.0.1"]},
                    "mail.example": {"ANY": SERVFAIL},
                },
                b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
            ),
            (
                {
                    "there.example": {"MX": ["10 me.example.", "5 mail.example."]},
                    "me.example": {"A": ["127.0.0.1"]},
                    "mail.example": {"A": ["127.0.0.250"]},
                },
                b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
            ),
        ],
    )
    def test_what_dns_says(self, tmp_path: Path, zone: Zone, report: bytes) -> None:
        with NameServer(zone) as names:
            [said] = remote(self.home(tmp_path), env=names.env)
        assert said.startswith(report)

    def test_no_name_server(self, tmp_path: Path) -> None:
        """Where none listens that is known at once."""
        [said] = remote(self.home(tmp_path), env={"DNSCACHEIP": "127.0.0.248"})
        assert said == b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n"

    def test_names_that_are_none(self, tmp_path: Path) -> None:
        with NameServer({}) as names:
            for host in ("", ".", "a..b", "x" * 64 + ".example"):
                [said] = remote(self.home(tmp_path), host=host, env=names.env)
                assert said == b"DSorry, I couldn't find any host named " + host.encode() + b". (#5.1.2)\n"
            assert names.asked == []
            home = home_of(tmp_path, smtproutes=":relay.example:26")
            [said] = remote(home, env=names.env)
            assert said == b"DSorry, I couldn't find any host named relay.example. (#5.1.2)\n"


def test_where_to_come_from(tmp_path: Path) -> None:
    peers = []

    def greeting(talk: object) -> bytes:
        peers.append(talk.connection.getpeername()[0])  # type: ignore[attr-defined]
        talk.say(b"220 hi\r\n")  # type: ignore[attr-defined]
        return b"220 hi\r\n"

    with Server({"greeting": greeting}) as server:
        home = home_of(tmp_path, smtproutes=route(server.port))
        for text in ("", "0.0.0.0", "127.0.0.7", "::1\n127.0.0.8\n127.0.0.9"):
            (home / "control/outgoingip").write_text(text + "\n")
            assert summary(remote(home)) == b"rK"
        assert peers == ["127.0.0.1", "127.0.0.1", "127.0.0.7", "127.0.0.8"]
        (home / "control/outgoingip").write_text("nonsense\n")
        assert remote(home) == [b"ZUnable to read control/outgoingip: not an address. (#4.3.5)\n"]
        (home / "control/outgoingip").write_text("192.0.2.1\n")
        assert remote(home) == [b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]


def test_what_only_looks_like_an_address(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    for host in (b"[:::1]", b"[IPv6:nonsense::]", b"[\xff::1]"):
        shown = host.replace(b"\xff", b"?")
        assert remote(home, host=host) == [
            b"DSorry, I couldn't find any host named " + shown + b". (#5.1.2)\n"
        ]


def test_no_home(tmp_path: Path) -> None:
    assert remote(tmp_path / "none") == [b"ZUnable to switch to home directory. (#4.3.0)\n"]
