"""Debian's Postfix, unpacked and not installed, as an SMTP and a QMQP server that is not written in Python.

Everything that it writes lies in a directory of the test's own. It needs root, to give power up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import originals, processes
from tests.support.nameserver import lonely_address
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

# At an address that nobody else uses, any port is free.
SMTP_PORT, QMQP_PORT = 2525, 2628

# Accounts that every Debian has and nobody uses.
OWNER, GROUP = "daemon", "mail"

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/spool
data_directory = {place}/data
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {place}/conf
mail_owner = {owner}
setgid_group = {group}
import_environment = MAIL_CONFIG LANG=C LD_LIBRARY_PATH POSTLOG_SERVICE POSTLOG_HOSTNAME
maillog_file = {place}/log
maillog_file_prefixes = {place}
myhostname = mail.there.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.255.0.1/32
virtual_mailbox_domains = there.example
virtual_mailbox_base = {place}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:1
virtual_gid_maps = static:1
virtual_minimum_uid = 1
smtputf8_enable = yes
message_size_limit = 100000
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
  check_recipient_access inline:{{{{ later@there.example = 450 4.2.0 come back later }}}}
  reject_unauth_destination
qmqpd_authorized_clients = 127.0.0.0/8
"""
TLS = """
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
"""
SERVICES = """
{address}:{smtp} inet n - n - - smtpd
{address}:{qmqp} inet n - n - - qmqpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""
DIRECTORIES = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
)


class Postfix:
    """A running one, at `address`."""

    def __init__(self, place: Path, address: str) -> None:
        self.address = address
        self._place = place

    def mail(self, count: int) -> list[bytes]:
        """What is in the one mailbox, once there are so many."""
        box = self._place / "mail/box/new"
        eventually(lambda: box.is_dir() and len(list(box.iterdir())) >= count, f"mail; {self.log()}")
        return [file.read_bytes() for file in box.iterdir()]

    def log(self) -> str:
        log = self._place / "log"
        return log.read_text() if log.exists() else ""


def tool(name: str) -> tuple[list[str], dict[str, str]]:
    """How one of its test programs is started: the words, and what the environment needs besides."""
    root = _root()
    return [str(root / "usr/sbin" / name)], {"LD_LIBRARY_PATH": str(root / "usr/lib/postfix")}


def _root() -> Path:
    for root in (Path(os.environ.get("ORIGINALS", "/none")) / "postfix", Path("/")):
        if (root / "usr/lib/postfix/sbin/master").is_file():
            return root.resolve()
    message = "Debian's postfix is neither unpacked nor installed"
    if originals.required:
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Postfix]:
    root = _root()
    if os.geteuid():
        pytest.skip("postfix needs root")
    place = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        address = lonely_address(2)
        argv, environment = _prepare(place, root, address, certificate)
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            server = Postfix(place, address)
            eventually(lambda: "daemon started" in server.log() or process.poll() is not None, "postfix")
            assert process.poll() is None, server.log()
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE)
            processes.kill_group(process.pid)
            assert process.stderr is not None
            process.stderr.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _prepare(
    place: Path, root: Path, address: str, certificate: Path | None
) -> tuple[list[str], dict[str, str]]:
    place.chmod(0o755)
    for name in ("conf", "data", "mail", "spool/pid"):
        (place / name).mkdir(parents=True)
    for name in DIRECTORIES:
        (place / "spool" / name).mkdir(mode=0o700)
        shutil.chown(place / "spool" / name, OWNER)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        (place / "spool" / name).mkdir()
        (place / "spool" / name).chmod(mode)
        shutil.chown(place / "spool" / name, OWNER, GROUP)
    for name in ("data", "mail"):
        shutil.chown(place / name, OWNER)
    main = MAIN.format(place=place, root=root, owner=OWNER, group=GROUP)
    if certificate is not None:
        main += TLS.format(certificate=certificate)
    (place / "conf/main.cf").write_text(main)
    (place / "conf/master.cf").write_text(SERVICES.format(address=address, smtp=SMTP_PORT, qmqp=QMQP_PORT))
    argv = [str(root / "usr/lib/postfix/sbin/master"), "-c", str(place / "conf"), "-d"]
    environment = {
        **os.environ,
        "MAIL_CONFIG": str(place / "conf"),
        "LD_LIBRARY_PATH": str(root / "usr/lib/postfix"),
    }
    return argv, environment
