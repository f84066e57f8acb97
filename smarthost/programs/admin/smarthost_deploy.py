"""smarthost-deploy: make the tree that the services run in, or make it whole again

usage: smarthost-deploy [ -s ] [ -p port ] [ -u user ] [ -n server ... ] [ -N directory ] [ root ]

        root     where to make it (./var): root/qmail, root/service, root/etc, root/log
        -s       on this system itself: /var/qmail, /service, /etc and /var/log, port 628,
                 with qmail's accounts (alias, qmaild, qmaill, qmailp, qmailq, qmailr, qmails); needs root
        -p port  of the QMQP service; only the first deployment chooses one by itself, 10628
        -u user  the one account that everything runs as (who deploys; with -s, qmail's accounts instead)
        -n server  a null client: nothing is delivered here, everything goes to this server, a line of
                 control/remotes; more than one are tried in order
        -N directory  a null client as its nullmailer's directory, /etc/nullmailer, says

A tree is a smart host, which takes mail from null clients and delivers it, or, with -n or -N, or once there is a
control/remotes, a null client with a queue. Both take mail from this host's users, and keep what cannot go yet.
It may be run again at any time. What was changed since it was made stays as it is; what was not
follows the defaults of a new version, and what is missing is made again. A rules file that is older
than its source is compiled, and so is users/assign.

Reads   the defaults in service/, control/ and tcprules/ of the installation
Writes  qmail/{bin,control,queue,supervise,alias,users,submit}, service/*, etc/tcp.qmqp{,.cdb}, log/qmail/*;
        qmail/etc/deployed, a record of what was copied; a line on descriptor 1 for each thing made
Exits   0 when the tree is whole, 100 for bad arguments or a missing account, 111 if it cannot be made
Differs there is no original
"""

from __future__ import annotations

import os
import subprocess

from smarthost import ending
from smarthost.errors import FormatError, Permanent, Temporary, UsageError
from smarthost.formats import remotes
from smarthost.options import Chain, anything, number
from smarthost.store import deployment, launchers, mailtree
from smarthost.store.treepeople import People, closed_to, make_queue
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "smarthost-deploy"
OPTIONS: Final = Chain(
    "smarthost-deploy [ -s ] [ -p port ] [ -u user ] [ -n server ... ] [ -N directory ] [ root ]",
    "s",
    {"p": number(65535), "u": anything, "n": anything, "N": anything},
)

QMQPD: Final = b"qmail-qmqpd"
SEND: Final = b"qmail-send"
LOCAL: Final = b"qmqp-local"
# Each service, and the directory of its log.
SMART_HOST: Final = {QMQPD: b"qmqpd", SEND: b"send", LOCAL: b"local"}
NULL_CLIENT: Final = {SEND: b"send", LOCAL: b"local"}

# Free to use for everybody, on loopback, and answering at once: names cost a DNS server's time, and a
# bare machine has none. Set in trees that are not the system's.
PRIVATE: Final = {
    b"qmqpaddress": b"127.0.0.1\n",
    b"qmqpport": b"10628\n",
    b"qmqpflags": b"-H -R -l localhost\n",
}

# Control files of a smart host alone: a null client completes names as nullmailer does, from control/me.
DOMAINS: Final = (b"defaultdomain", b"plusdomain")

# What divides names in PATH and in users/assign, which hold the tree's.
DIVIDERS: Final = (b":", b"\n")


class Wanted:
    """What the arguments ask for."""

    def __init__(self, arguments: list[bytes]) -> None:
        options, rest = OPTIONS.parse(arguments)
        chosen = dict(options)
        self.system: Final = "s" in chosen
        if len(rest) > 1 or (self.system and rest):
            raise UsageError(OPTIONS.usage)
        self.root: Final = os.path.abspath(rest[0] if rest else b"var")
        if not self.system and any(divider in self.root for divider in DIVIDERS):
            raise Permanent("a tree cannot be where a directory's name has a colon or a newline in it")
        self.port: Final[int | None] = chosen.get("p")
        self.user: Final[bytes | None] = chosen.get("u")
        self.servers: Final[list[bytes]] = [value for letter, value in options if letter == "n"]
        if self.servers:
            try:
                remotes.servers(b"\n".join(self.servers))
            except FormatError as error:
                raise UsageError(OPTIONS.usage, f"option -n: {error}") from error
        named = chosen.get("N")
        self.nullmailer: Final[bytes | None] = named if named is None else os.path.abspath(named)
        if self.servers and self.nullmailer is not None:
            raise UsageError(OPTIONS.usage, "-N says where the servers are named: -n is of no use beside it")
        if self.nullmailer is not None and not os.path.isfile(self.nullmailer + b"/remotes"):
            raise Permanent(f"there is no {os.fsdecode(self.nullmailer)}/remotes")


class Layout:
    """Where the parts of a tree are."""

    def __init__(self, root: bytes, *, system: bool) -> None:
        self.home: Final = b"/var/qmail" if system else root + b"/qmail"
        self.service: Final = b"/service" if system else root + b"/service"
        self.etc: Final = b"/etc" if system else root + b"/etc"
        self.log: Final = b"/var/log/qmail" if system else root + b"/log/qmail"

    @property
    def rules(self) -> bytes:
        return self.etc + b"/tcp.qmqp"


def say(what: bytes) -> None:
    ending.say(f"{NAME}: made {os.fsdecode(what)}\n", ending.STDOUT)


def body(arguments: list[bytes]) -> int:
    wanted = Wanted(arguments)
    if wanted.system and os.geteuid() != 0:
        raise Permanent("-s changes /var/qmail, /etc and /service, which only root can")
    layout = Layout(wanted.root, system=wanted.system)
    os.umask(0o022)  # the programs that compile go by it, and other accounts read what they make
    try:
        deploy(layout, wanted, People(layout.home, wanted.user, system=wanted.system))
    except OSError as error:
        file = os.fsdecode(error.filename) if error.filename else "the tree"
        raise Temporary(f"unable to make {file}: {errtext.reason(error)}") from error
    return 0


def deploy(layout: Layout, wanted: Wanted, people: People) -> None:
    deployment.directory(layout.home)
    files.lock(
        files.open_read(layout.home)
    )  # to the end of the process: two at a time are one after the other
    source = deployment.defaults()
    record = deployment.Record(layout.home + b"/etc/deployed")
    where = layout.home + b"/control/"
    if people.to_chown and (closed := closed_to(people.log)) is not None:
        ending.warn(
            NAME,
            f"{os.fsdecode(people.log_name)} cannot use {os.fsdecode(closed)}:"
            f" no service will run until smarthost is installed where every account can read it",
        )
    asked = bool(wanted.servers) or wanted.nullmailer is not None
    is_client = asked or os.path.lexists(where + b"remotes")

    deployment.directory(layout.home + b"/control")
    if is_client:
        client_control(where, wanted, people)
    for name in sorted(os.listdir(source + b"/control")):
        if not (is_client and name in DOMAINS):
            copied(record, source + b"/control/" + name, where + name)
    control(where, wanted, people)
    put(record, layout.home + b"/submit/qmqp\n", where + b"qmqpservers")

    deployment.directory(layout.home + b"/bin")
    for name, module in launchers.programs():
        launchers.refresh(layout.home + b"/bin/" + name, module)

    if deployment.directory(layout.home + b"/run", 0o700):
        say(layout.home + b"/run")
    copied(record, source + b"/service/supervisord.conf", layout.home + b"/etc/supervisord.conf")
    owner = (people.queue.uid, people.queue.gid) if people.to_chown else None
    if deployment.directory(layout.home + b"/submit", 0o755, owner):
        say(layout.home + b"/submit")
    if make_queue(layout.home, people):
        say(layout.home + b"/queue")
    local_mail(layout, record, people)
    if not is_client:
        copied(record, source + b"/tcprules/tcp.qmqp", layout.rules)
        compile_rules(layout)
    for service, log in (NULL_CLIENT if is_client else SMART_HOST).items():
        add_service(layout, record, people, service, log, system=wanted.system)
    record.save()


def client_control(where: bytes, wanted: Wanted, people: People) -> None:
    """What makes it a null client. What is there stays, but for the servers that were asked for."""
    remotes = where + b"remotes"
    if wanted.servers:  # passwords may be among it
        deployment.write(remotes, b"".join(server + b"\n" for server in wanted.servers), 0o640)
        if people.to_chown:
            os.chown(remotes, people.queue.uid, people.queue.gid)
    if wanted.nullmailer is not None:
        for name, target in mailtree.nullmailer_links(wanted.nullmailer):
            if deployment.link_missing(target, where + name):
                say(where + name)
    elif deployment.write_missing(where + b"me", mailtree.host_name() + b"\n"):
        say(where + b"me")
    if people.to_chown and not mailtree.may_read(people.remote, remotes):
        ending.warn(
            NAME, f"{os.fsdecode(remotes)} cannot be read by who sends the mail: chgrp it, and chmod 640"
        )
    # As with nullmailer no address is this host's own.
    if deployment.write_missing(where + b"locals", b""):
        say(where + b"locals")


def control(where: bytes, wanted: Wanted, people: People) -> None:
    """The facts of this tree alone. What was asked for counts also where there was another answer."""
    if wanted.port is not None:
        deployment.write(where + b"qmqpport", b"%d\n" % wanted.port)
    accounts = {b"qmqpuser": people.name, b"qmqploguser": people.log_name}
    if not people.qmails:
        accounts[b"senduser"] = people.name
    for name, account_name in accounts.items():
        if wanted.user is not None:
            deployment.write(where + name, account_name + b"\n")
        elif deployment.write_missing(where + name, account_name + b"\n"):
            say(where + name)
    for name, content in ({} if wanted.system else PRIVATE).items():
        if deployment.write_missing(where + name, content):
            say(where + name)


def local_mail(layout: Layout, record: deployment.Record, people: People) -> None:
    """Where mail goes that is for nobody in particular: in a tree of one account, all that is local."""
    alias, users = layout.home + b"/alias", layout.home + b"/users"
    deployment.directory(users)
    owner = people.qmails.get(b"alias", people.queue)
    pair = None if owner.uid == os.geteuid() else (owner.uid, owner.gid)
    new = deployment.directory(alias, 0o2755 if people.qmails else 0o755, pair)
    if people.qmails and mailtree.home_of(b"alias") != alias:
        ending.warn(
            NAME, f"mail for nobody else goes to the home of the account alias, not to {os.fsdecode(alias)}"
        )
    names: tuple[bytes, ...]
    if people.qmails:
        names = mailtree.ADDRESSES if new else ()
    else:
        names = (b"default",)
        put(record, mailtree.assignments(people.name, owner, alias), users + b"/assign")
        compile_assignments(layout.home)
    for name in names:
        if put(record, mailtree.TO_MAILDIR, alias + b"/.qmail-" + name) and pair is not None:
            os.chown(alias + b"/.qmail-" + name, *pair)
    if (new or not people.qmails) and mailtree.make_maildir(alias + b"/Maildir", owner if pair else None):
        say(alias + b"/Maildir")


def add_service(
    layout: Layout, record: deployment.Record, people: People, service: bytes, log: bytes, *, system: bool
) -> None:
    directory = layout.home + b"/supervise/" + service
    new = not os.path.isdir(directory)
    place = layout.log + b"/" + log
    owner = (people.log.uid, people.log.gid) if people.log.uid != os.geteuid() else None
    if deployment.directory(place, 0o755, owner):
        say(place)
    for script in (b"run", b"log/run"):
        copied(
            record, deployment.defaults() + b"/service/" + service + b"/" + script, directory + b"/" + script
        )
    deployment.directory(layout.service)
    # Only at first: a link that was taken away is a service that was turned off.
    link = layout.service + b"/" + service
    # A tree may be moved; the system's /service may itself be a link.
    target = directory if system else os.path.relpath(directory, layout.service)
    if new and deployment.link_missing(target, link):
        say(link)


def put(record: deployment.Record, content: bytes, target: bytes) -> bool:
    made = record.put(content, target)
    if made:
        say(target)
    return made


def copied(record: deployment.Record, source: bytes, target: bytes) -> None:
    deployment.directory(os.path.dirname(target))
    if record.copy(source, target):
        say(target)


def is_newer(source: bytes, made: bytes) -> bool:
    """Whether it was written, or put there, since: a copy that was kept, and is put back, has its old time."""
    status = os.stat(source)
    try:
        return os.stat(made).st_mtime_ns < max(status.st_mtime_ns, status.st_ctime_ns)
    except FileNotFoundError:
        return True


def compile_assignments(home: bytes) -> None:
    """By qmail-newu itself, when the source is newer than what was made of it."""
    source, made = home + b"/users/assign", home + b"/users/cdb"
    if not is_newer(source, made):
        return
    status = subprocess.run(
        [home + b"/bin/qmail-newu"], env={**os.environb, b"QMAILHOME": home}, check=False
    ).returncode
    if status != 0:
        raise Permanent(f"unable to compile {os.fsdecode(source)}: see the line above")
    say(made)


def compile_rules(layout: Layout) -> None:
    """By tcprules itself, when the source is newer than what was made of it."""
    source, made = layout.rules, layout.rules + b".cdb"
    if not is_newer(source, made):
        return
    with open(source, "rb") as rules:
        status = subprocess.run(
            [layout.home + b"/bin/tcprules", made, source + b".tmp"], stdin=rules, check=False
        ).returncode
    if status != 0:
        failure = Temporary if status == Temporary.status else Permanent  # tcprules knows
        raise failure(
            f"unable to compile {os.fsdecode(source)}: see the line above; the old rules stay in force"
        )
    say(made)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
