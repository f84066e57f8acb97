"""What DNS says, to our qmail-remote and to the original: at port 53 and 25, so for root alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import remote as support
from tests.support.nameserver import LARGE, SERVFAIL, NameServer, lonely_address
from tests.support.peerhome import peer_in_home
from tests.support.remote import MESSAGE, home_of
from tests.support.run import run
from tests.support.smtpserver import Server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nameserver import Zone

NOBODY = "127.0.0.250"
_MOUNT = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


def original(home: Path, names: NameServer, host: str) -> list[bytes]:
    """Its resolver is the C library's, which is told where to ask by a file."""
    resolv_conf = home / "resolv.conf"
    resolv_conf.write_text(f"nameserver {names.address}\noptions attempts:1 timeout:30\n")
    words = [*peer_in_home("qmail-remote", home), host, "joe@here.example", "carolyn@there.example"]
    done = run(["unshare", "-m", "sh", "-c", _MOUNT, "sh", str(resolv_conf), *words], MESSAGE)
    assert done.status == 0, done.stderr
    return done.stdout[:-1].split(b"\0")


ZONES: list[tuple[Zone, str]] = [
    ({}, "there.example"),
    ({"there.example": {"TXT": ["x"]}}, "there.example"),
    ({"there.example": {"ANY": SERVFAIL}}, "there.example"),
    ({"there.example": {"MX": SERVFAIL, "A": [NOBODY]}}, "there.example"),
    ({"there.example": {"MX": ["0 ."]}}, "there.example"),
    ({"there.example": {"MX": ["0 gone.example."]}}, "there.example"),
    (
        {"there.example": {"MX": ["0 gone.example.", "1 mail.example."]}, "mail.example": {"ANY": SERVFAIL}},
        "there.example",
    ),
    (
        {"there.example": {"MX": ["0 gone.example.", "1 mail.example."]}, "mail.example": {"A": [NOBODY]}},
        "there.example",
    ),
    ({"there.example": {"A": ["127.0.0.1"]}}, "there.example"),
    ({"there.example": {"A": ["0.0.0.0"]}}, "there.example"),
    ({"there.example": {"A": [NOBODY]}}, "there.example"),
    ({"there.example": {"A": [NOBODY]}}, "THERE.example."),
    (
        {
            "there.example": {"MX": ["10 me.example.", "10 mail.example.", "20 mail.example."]},
            "me.example": {"A": ["127.0.0.1"]},
            "mail.example": {"A": [NOBODY]},
        },
        "there.example",
    ),
    ({}, ""),
    ({}, "a..b"),
    ({}, "x" * 64 + ".example"),
]


@pytest.mark.parametrize(("zone", "host"), ZONES, ids=range(len(ZONES)))
def test_what_is_made_of_it(tmp_path: Path, zone: Zone, host: str) -> None:
    home = home_of(tmp_path, timeoutconnect="50")
    with NameServer(zone) as names:
        mine = support.remote(home, host=host, env=names.env)
        assert mine == original(home, names, host)


def test_where_it_goes(tmp_path: Path) -> None:
    """The preferred one that listens, alone, behind an alias, and among more than fit into a packet."""
    if os.geteuid():
        pytest.skip("this user may not listen at port 25")
    home = home_of(tmp_path, timeoutconnect="50")
    with Server(host=lonely_address(), port=25) as server:
        hosts: Zone = {"mail.example": {"A": [server.host]}, "dead.example": {"A": [NOBODY]}}
        dead = [f"{at} dead{at}.a-name-that-is-long.example." for at in range(20, 60)]
        zone: Zone = {
            **hosts,
            "there.example": {"MX": ["20 mail.example.", "10 dead.example."]},
            "alias.example": {"CNAME": ["there.example."]},
            "large.example": {"MX": LARGE, LARGE: ["1 mail.example.", *dead]},
        }
        with NameServer(zone) as names:
            for host in ("there.example", "alias.example", "large.example", "mail.example"):
                mine = support.remote(home, host=host, env=names.env)
                assert support.summary(mine) == b"rK"
                assert mine == original(home, names, host)
