"""qmail-remote with Postfix: a server that many run, and that is not written in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import certificates, postfix
from tests.support.postfix import QMQP_PORT, SMTP_PORT
from tests.support.remote import MESSAGE, home_of, remote, set_controls, summary
from tests.support.run import ours
from tests.support.spawning import Spawning

if TYPE_CHECKING:
    from pathlib import Path

BODY = MESSAGE.partition(b"\n\n")[2]


@pytest.mark.slow
def test_what_postfix_takes_and_what_not(tmp_path: Path) -> None:
    certificates.authority(tmp_path)
    certificate = certificates.signed(tmp_path, "server", "DNS:localhost")
    with postfix.serving(certificate) as server:
        home = home_of(tmp_path, smtproutes=f":{server.address}:{SMTP_PORT}")
        reports = remote(
            home, "carolyn@there.example", "käthe@there.example", "later@there.example", "x@elsewhere.example"
        )
        assert summary(reports) == b"rrshK", reports
        assert b"450 4.2.0" in reports[2]
        assert b"Relay access denied" in reports[3]
        assert reports[4].startswith(
            f"K{server.address} accepted message.\nRemote host said: 250 2.0.0 Ok".encode()
        )
        mail = server.mail(2)
        assert all(text.endswith(b"\n\n" + BODY) for text in mail)
        assert all(b"with UTF8SMTPS id" in text for text in mail)

        [report] = remote(home, message=MESSAGE + b"x\n" * 60_000)
        assert report.startswith(b"DConnected to ")
        assert b"552 5.3.4" in report

        set_controls(home, remotes=f"{server.address} qmqp port={QMQP_PORT}")
        assert summary(remote(home)) == b"rK"
        [queued] = [text for text in server.mail(3) if b"with QMQP id" in text]
        assert queued.endswith(b"\n\n" + BODY)

        starttls = f"smtp port={SMTP_PORT} starttls x509cafile={tmp_path}/authority.pem"
        set_controls(home, remotes=f"{server.address} {starttls}\n{server.address} {starttls} insecure")
        assert summary(remote(home)) == b"rK"  # by the second, for the first must show who it is

        (home / "control/remotes").unlink()
        (home / "queue/mess/0/1").write_bytes(MESSAGE)
        with Spawning([ours("qmail-rspawn")], {"QMAILHOME": str(home)}) as started:
            started.concurrency()
            for number in range(20):
                started.ask(number, b"0/1", b"joe@here.example", b"carolyn@there.example")
            assert all(text.startswith(b"K") for text in started.reports(20).values())
        server.mail(24)
