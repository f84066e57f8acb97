"""nullmailer's control files beside nullmailer itself: the envelope that is queued, and the names in a header.

Not tested: names without a dot and without a defaultdomain: the manual and nullmailer's source complete them by me,
as qmail-inject does, and Debian's program leaves them as they are; an address without a host's dots, which nullmailer-queue refuses and qmail-queue does not, and blanks
around a comma in adminaddr, which nullmailer keeps as parts of addresses.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.homes import make_home, messages
from tests.support.originals import original
from tests.support.run import ours, run

if TYPE_CHECKING:
    from pathlib import Path

RECIPIENTS = [b"ann@example.org", b"root@me.example", b"joe@other.example"]


class Hosts:
    """The same control files for both. Debian's nullmailer has the host's name in mailname, beside them."""

    def __init__(self, place: Path) -> None:
        self.theirs, self.home = place / "nullmailer", make_home(place / "qmail")
        for name in ("conf", "queue/queue", "queue/tmp"):
            (self.theirs / name).mkdir(parents=True)
        self.say("remotes", "mail.example.org\n")
        # In its package it is set-id, and then nobody may name another directory.
        self.queue_program = str(shutil.copy(original("nullmailer-queue"), place / "nullmailer-queue"))

    def say(self, name: str, content: str) -> None:
        (self.home / "control" / name).write_text(content)
        (self.theirs / ("mailname" if name == "me" else f"conf/{name}")).write_text(content)

    def envelopes(self, sender: bytes, recipients: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What lies in each queue: the sender, then the recipients."""
        lines = b"\n".join([sender, *recipients, b"", b"Subject: x", b"", b"x"])
        env = {"NULLMAILER_TEST_PREFIX": str(self.theirs)}
        assert run([self.queue_program], lines + b"\n", env=env).status == 0
        [file] = (self.theirs / "queue/queue").iterdir()
        theirs = file.read_bytes().partition(b"\n\n")[0].split(b"\n")
        records = b"F" + sender + b"\0" + b"".join(b"T" + each + b"\0" for each in recipients) + b"\0"
        (self.home / "envelope").write_bytes(records)
        (self.home / "message").write_bytes(b"x")
        script = f"exec {ours('qmail-queue')} <message 1<envelope"
        assert run(["sh", "-c", script], env={"QMAILHOME": str(self.home)}, cwd=self.home).status == 0
        [(_, envelope)] = messages(self.home)
        mine = [record[1:] for record in envelope.split(b"\0")[2:-1]]
        return mine, theirs

    def headers(self, message: bytes, *arguments: str) -> tuple[dict[str, str], dict[str, str]]:
        """The fields that both print, by name in lower case; of Message-ID and From the host."""
        mine = run(
            [ours("qmail-inject"), "-n", *arguments],
            message,
            env={"QMAILHOME": str(self.home), "USER": "joe"},
        )
        theirs = run(
            [original("nullmailer-inject"), "-n", *arguments],
            message,
            env={"NULLMAILER_TEST_PREFIX": str(self.theirs), "USER": "joe"},
        )
        return fields(mine.stdout), fields(theirs.stdout)


def fields(text: bytes) -> dict[str, str]:
    header = re.sub(r"\n[ \t]+", " ", text.decode().partition("\n\n")[0])
    found = {}
    for line in header.splitlines():
        name, _, value = line.partition(": ")
        if name.lower() in {"message-id", "from"}:
            value = value.rpartition("@")[2].strip(">")
        if name.lower() not in {"date", "return-path"}:
            found[name.lower()] = value
    return found


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


@pytest.mark.parametrize("allmailfrom", [None, "", "null@example.com\n", " null@example.com \nrest\n"])
@pytest.mark.parametrize("adminaddr", [None, "admin@example.com\n", "admin@example.com,ops@example.com"])
@pytest.mark.parametrize("sender", [b"joe@host.example", b""])
def test_the_queues_envelope(
    hosts: Hosts, allmailfrom: str | None, adminaddr: str | None, sender: bytes
) -> None:
    hosts.say("me", "me.example\n")
    for name, content in (("allmailfrom", allmailfrom), ("adminaddr", adminaddr)):
        if content is not None:
            hosts.say(name, content)
    mine, theirs = hosts.envelopes(sender, RECIPIENTS)
    assert mine == theirs


NAMES = {
    "nothing": {"defaultdomain": "dom.example"},
    "me": {"me": "me.example.com\n", "defaultdomain": "dom.example"},
    "a short me": {"me": "me\n", "defaultdomain": "dom.example"},
    "all": {"me": "me.example.com", "defaulthost": " smart ", "defaultdomain": "dom.example", "idhost": "id"},
    "empty": {"me": "me.example.com", "defaulthost": "\n", "defaultdomain": "dom.example", "idhost": " \n"},
    "full": {
        "me": "me.example.com",
        "defaultdomain": "\tdom.example ",
        "defaulthost": "smart.example.org",
        "idhost": "id.example.org",
    },
    "localhost": {"me": "localhost", "defaulthost": "localhost", "defaultdomain": "dom.example"},
}


@pytest.mark.parametrize("files", NAMES.values(), ids=list(NAMES))
def test_names(hosts: Hosts, files: dict[str, str]) -> None:
    for name, content in files.items():
        hosts.say(name, content)
    host = b", bob@host" if "defaultdomain" in files else b""
    message = b"To: joe, ann@localhost%b, carl@full.example\n\nx\n" % host
    mine, theirs = hosts.headers(message)
    assert mine["message-id"] == theirs["message-id"]
    assert mine["from"] == theirs["from"]
    assert mine["to"] == theirs["to"]


def test_idhost_defaults_to_me_as_the_program_has_it(hosts: Hosts) -> None:
    """nullmailer-inject(1): "Defaults to the canonicalized value of defaulthost." The program takes me."""
    hosts.say("me", "me.example.com\n")
    hosts.say("defaulthost", "smart.example.org\n")
    mine, theirs = hosts.headers(b"To: joe\n\nx\n")
    assert mine["message-id"] == theirs["message-id"] == "me.example.com"


def test_the_environment_still_overrides(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (home / "control/remotes").touch()
    (home / "control/me").write_text("me.example.com\n")
    env = {"QMAILHOME": str(home), "USER": "joe", "QMAILDEFAULTHOST": "env.example.com"}
    done = run([ours("qmail-inject"), "-n", "ann"], b"\nx\n", env=env)
    assert b"Return-Path: <joe@env.example.com>" in done.stdout
