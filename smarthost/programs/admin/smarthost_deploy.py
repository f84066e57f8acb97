"""smarthost-deploy: make the tree that the services run in, or make it whole again

usage: smarthost-deploy [ -s ] [ -p port ] [ -u user ] [ root ]

        root     where to make it (./var): root/qmail, root/service, root/etc, root/log
        -s       on this system itself: /var/qmail, /service, /etc and /var/log, port 628,
                 with the accounts qmaild (its group is nofiles) and qmaill; needs root
        -p port  of the QMQP service; only the first deployment chooses one by itself, 10628
        -u user  the account that the service runs as and its log is written by (who deploys)

It may be run again at any time. What was changed since it was made stays as it is; what was not
follows the defaults of a new version, and what is missing is made again. A rules file that is older
than its source is compiled.

Reads   the defaults in service/, control/ and tcprules/ of the installation
Writes  qmail/{bin,control,queue,supervise}, service/qmail-qmqpd, etc/tcp.qmqp{,.cdb},
        log/qmail/qmqpd; qmail/etc/deployed, a record of
        what was copied; a line on descriptor 1 for each thing made
Exits   0 when the tree is whole, 100 for bad arguments or a missing account, 111 if it cannot be made
Differs there is no original
"""

from __future__ import annotations

import os
import subprocess

from smarthost import ending
from smarthost.errors import Permanent, Temporary, UsageError
from smarthost.options import Chain, anything, number
from smarthost.store import deployment, spool
from smarthost.unix import errtext, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from smarthost.unix.identity import Identity

NAME = "smarthost-deploy"
OPTIONS: Final = Chain(
    "smarthost-deploy [ -s ] [ -p port ] [ -u user ] [ root ]", "s", {"p": number(65535), "u": anything}
)

SERVICE: Final = b"qmail-qmqpd"
# Free to use for everybody, on loopback, and answering at once: names cost a DNS server's time, and a
# bare machine has none. Set in trees that are not the system's.
PRIVATE: Final = {
    b"qmqpaddress": b"127.0.0.1\n",
    b"qmqpport": b"10628\n",
    b"qmqpflags": b"-H -R -l localhost\n",
}


class Layout:
    """Where the parts of a tree are."""

    def __init__(self, root: bytes, *, system: bool) -> None:
        self.home: Final = b"/var/qmail" if system else root + b"/qmail"
        self.service: Final = b"/service" if system else root + b"/service"
        self.etc: Final = b"/etc" if system else root + b"/etc"
        self.log: Final = b"/var/log/qmail/qmqpd" if system else root + b"/log/qmail/qmqpd"

    @property
    def rules(self) -> bytes:
        return self.etc + b"/tcp.qmqp"


def say(what: bytes) -> None:
    ending.say(f"{NAME}: made {os.fsdecode(what)}\n", ending.STDOUT)


def account(name: bytes) -> Identity:
    found = identity.of_account(name)
    if found is None:
        raise Permanent(
            f"there is no account {os.fsdecode(name)}: make one with useradd, or name another with -u"
        )
    return found


def body(arguments: list[bytes]) -> int:
    options, rest = OPTIONS.parse(arguments)
    chosen = dict(options)
    system = "s" in chosen
    if len(rest) > 1 or (system and rest):
        raise UsageError(OPTIONS.usage)
    if system and os.geteuid() != 0:
        raise Permanent("-s changes /var/qmail, /etc and /service, which only root can")
    user, loguser = (b"qmaild", b"qmaill") if system else (None, None)
    user, loguser = chosen.get("u", user), chosen.get("u", loguser)
    layout = Layout(os.path.abspath(rest[0] if rest else b"var"), system=system)
    try:
        deploy(layout, chosen.get("p"), user, loguser, system=system)
    except OSError as error:
        file = os.fsdecode(error.filename) if error.filename else "the tree"
        raise Temporary(f"unable to make {file}: {errtext.reason(error)}") from error
    return 0


def deploy(
    layout: Layout, port: int | None, user: bytes | None, loguser: bytes | None, *, system: bool
) -> None:
    source = deployment.defaults()
    record = deployment.Record(layout.home + b"/etc/deployed")
    new = not os.path.isdir(layout.home + b"/supervise/" + SERVICE)
    runs_as = account(user) if user is not None else None
    logs_as = account(loguser) if loguser is not None else None

    for name in sorted(os.listdir(source + b"/control")):
        copied(record, source + b"/control/" + name, layout.home + b"/control/" + name)
    control(layout, port, user, loguser, system=system)

    deployment.directory(layout.home + b"/bin")
    for name, module in deployment.programs():
        deployment.refresh_launcher(layout.home + b"/bin/" + name, module)

    if deployment.directory(layout.home + b"/run", 0o700):
        say(layout.home + b"/run")
    copied(record, source + b"/service/supervisord.conf", layout.home + b"/etc/supervisord.conf")
    queue(layout.home, runs_as)

    if deployment.directory(layout.log, 0o755, (logs_as.uid, logs_as.gid) if logs_as else None):
        say(layout.log)
    copied(record, source + b"/tcprules/tcp.qmqp", layout.rules)
    compile_rules(layout)

    for script in (b"run", b"log/run"):
        copied(
            record,
            source + b"/service/" + SERVICE + b"/" + script,
            layout.home + b"/supervise/" + SERVICE + b"/" + script,
        )
    deployment.directory(layout.service)
    # Only at first: a link that was taken away is a service that was turned off.
    link = layout.service + b"/" + SERVICE
    directory = layout.home + b"/supervise/" + SERVICE
    # A tree may be moved; the system's /service may itself be a link.
    if new and deployment.link_missing(
        directory if system else os.path.relpath(directory, layout.service), link
    ):
        say(link)
    record.save()


def copied(record: deployment.Record, source: bytes, target: bytes) -> None:
    deployment.directory(os.path.dirname(target))
    if record.copy(source, target):
        say(target)


def control(
    layout: Layout, port: int | None, user: bytes | None, loguser: bytes | None, *, system: bool
) -> None:
    """The facts of this tree alone. What was asked for counts also where there was another answer."""
    where = layout.home + b"/control/"
    if port is not None:
        deployment.write(where + b"qmqpport", b"%d\n" % port)
    if system:
        return
    import pwd  # noqa: PLC0415 - loads name service libraries, which is slow

    me = os.fsencode(pwd.getpwuid(os.geteuid()).pw_name) if user is None else user
    for name, content in {
        **PRIVATE,
        b"qmqpuser": me + b"\n",
        b"qmqploguser": (loguser or me) + b"\n",
    }.items():
        if user is not None and name in (b"qmqpuser", b"qmqploguser"):
            deployment.write(where + name, content)
        elif deployment.write_missing(where + name, content):
            say(where + name)


def queue(home: bytes, owner: Identity | None) -> None:
    """The queue belongs to the account that the service runs as; one that is there is left alone."""
    path = home + b"/queue"
    if os.path.isdir(path):
        if owner is None:
            spool.make_queue(home)
        return
    if owner is None:
        spool.make_queue(home)
    else:
        deployment.directory(path, 0o750, (owner.uid, owner.gid))
        as_user(owner, lambda: spool.make_queue(home))
    say(path)


def as_user(owner: Identity, step: Callable[[], None]) -> None:
    """Take one step as somebody else, in a child. Raises Temporary."""
    from smarthost.unix import process  # noqa: PLC0415 - only where there is another account

    def child() -> int:
        identity.assume(owner)
        step()
        return 0

    if os.waitpid(process.fork_child(child), 0)[1] != 0:
        raise Temporary("unable to make the queue as the account that it belongs to")


def compile_rules(layout: Layout) -> None:
    """By tcprules itself, when the source is newer than what was made of it."""
    source, made = layout.rules, layout.rules + b".cdb"
    try:
        if os.stat(made).st_mtime_ns >= os.stat(source).st_mtime_ns:
            return
    except FileNotFoundError:
        pass
    with open(source, "rb") as rules:
        status = subprocess.run(
            [layout.home + b"/bin/tcprules", made, source + b".tmp"], stdin=rules, check=False
        ).returncode
    if status != 0:
        raise Permanent(
            f"unable to compile {os.fsdecode(source)}: see the line above; the old rules stay in force"
        )
    say(made)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
