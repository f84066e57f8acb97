"""The walk-through of a mini-qmail host as it is written, from config-mini to the smart host's queue.

Not tested: the walk-through's download and compilation, which there is nothing of here.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from smarthost.programs.admin import mini_qmail_setup
from tests.support.homes import make_home, messages
from tests.support.originals import original
from tests.support.qmqpservice import service
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def smarthost(tmp_path: Path) -> Path:
    """The smart host's home: our qmail-qmqpd and qmail-queue."""
    home = make_home(tmp_path / "smarthost")
    (home / "bin/qmail-queue").symlink_to(ours("qmail-queue"))
    return home


@pytest.fixture(params=["ours", "original"])
def port(smarthost: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """Where a tcpserver listens for the smart host, ours or Debian's."""
    tcpserver = ours("tcpserver") if request.param == "ours" else original("tcpserver")
    with service(tcpserver, [ours("qmail-qmqpd")], {"QMAILHOME": str(smarthost)}) as listening:
        yield listening


@pytest.fixture
def mini(tmp_path: Path, port: int) -> Path:
    """The null client's home, with the walk-through's example values but for the address."""
    home = tmp_path / "mini-qmail"
    assert run([ours("mini-qmail-setup"), "--home", str(home)], env={}).status == 0
    words = ["mail.example.com", "example.com", "example.com", "null.example.com", f"127.0.0.1:{port}"]
    assert run([str(home / "bin/config-mini"), *words], env={}) == Outcome(
        0,
        b"Putting mail.example.com into control/me. . .\n"
        b"Putting example.com into control/defaultdomain. . .\n"
        b"Putting example.com into control/plusdomain. . .\n"
        b"Putting null.example.com into control/idhost. . .\n"
        b"Putting 127.0.0.1:%d into control/qmqpservers. . .\n" % port,
        b"",
    )
    return home


def the_message(smarthost: Path) -> tuple[bytes, bytes]:
    """The one message in the smart host's queue and its envelope, without uid and pid."""
    [(message, envelope)] = messages(smarthost)
    return message, re.sub(rb"^u\d+\0p\d+\0", b"", envelope)


def test_a_first_message(mini: Path, smarthost: Path) -> None:
    done = run(["sh", "-c", f"echo to: carolyn | {mini}/bin/qmail-inject"], env={"USER": "joe"})
    assert done == Outcome(0, b"", b"")
    message, envelope = the_message(smarthost)
    assert envelope == b"Fjoe@mail.example.com\0Tcarolyn@mail.example.com\0"
    patterns = [
        rb"Received: \(qmail \d+ invoked .*\); .* -0000",
        rb"Received: from unknown \(127\.0\.0\.1\)",
        rb"  by \S+ with QMQP; .* -0000",
        rb"Date: .* -0000",
        rb"Message-ID: <\d{14}\.\d+\.qmail@null\.example\.com>",
        rb"From: joe@mail\.example\.com",
        rb"to: carolyn@mail\.example\.com",
    ]
    lines = message.rstrip(b"\n").split(b"\n")
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, lines)
    assert len(lines) == len(patterns)


def test_sendmail_where_programs_look_for_it(mini: Path, smarthost: Path, tmp_path: Path) -> None:
    sendmail = tmp_path / "usr/sbin/sendmail"
    mini_qmail_setup.link_sendmail(os.fsencode(mini), [os.fsencode(sendmail)])
    done = run(
        [str(sendmail), "-t", "-i", "-f", "joe@example.com"],
        b"To: ann@example.org\nSubject: hello\n\n.\nworld\n",
        env={"USER": "joe"},
    )
    assert done == Outcome(0, b"", b"")
    message, envelope = the_message(smarthost)
    assert envelope == b"Fjoe@example.com\0Tann@example.org\0"
    assert message.endswith(b"\n\n.\nworld\n")


def test_a_smart_host_that_is_down_is_said(mini: Path) -> None:
    (mini / "control/qmqpservers").write_text("127.0.0.1:1\n")
    done = run([str(mini / "bin/qmail-inject"), "ann@example.org"], b"\n", env={"USER": "joe"})
    assert done.status == 111
    assert done.stderr.splitlines() == [
        b"qmail-qmqpc: fatal: no QMQP server took the message; 127.0.0.1:1: unable to connect: connection refused",
        b"qmail-inject: fatal: connection to mail server rejected (#4.4.1)",
    ]


def test_a_refusal_is_said_in_the_smart_hosts_words(mini: Path, smarthost: Path) -> None:
    shutil.rmtree(smarthost / "queue")
    done = run([str(mini / "bin/qmail-inject"), "ann@example.org"], b"\n", env={"USER": "joe"})
    assert done.status == 111
    assert done.stderr.splitlines()[-1] == b"qmail-inject: fatal: qq trouble creating files in queue (#4.3.0)"
