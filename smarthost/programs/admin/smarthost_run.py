"""smarthost-run: deploy a tree and run its services in the foreground

usage: smarthost-run [ -p port ] [ root ]

        root     the tree (./var), made or made whole by smarthost-deploy first
        -p port  of the QMQP service

Ctrl-C, or SIGTERM, stops the services in order: clients are no longer accepted, the logs are written
to their ends. A second one leaves what still runs.

Reads   what smarthost-deploy reads, and the services' own files
Writes  how to send a first message, on descriptor 1; what the services without a log write
Exits   0 once everything has stopped; 100 or 111 if it cannot start, because the port is in use, say
Differs there is no original
"""

from __future__ import annotations

import os
import shlex
import sys

from smarthost import ending, launch
from smarthost.errors import FormatError, Temporary, UsageError
from smarthost.formats import lastchild
from smarthost.options import Chain, number
from smarthost.store import home
from smarthost.store.controls import Controls
from smarthost.unix import errtext, files, procs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, NoReturn

NAME = "smarthost-run"
OPTIONS: Final = Chain("smarthost-run [ -p port ] [ root ]", "", {"p": number(65535)})

# Nothing but Python is needed to try it.
FIRST_MESSAGE: Final = (
    'python3 -c \'import socket; n = lambda *b: b"%d:%b," % (len(b"".join(b)), b"".join(b)); '
    's = socket.create_connection(("{address}", {port})); '
    's.sendall(n(n(b"Subject: first\\n\\nHello.\\n"), n(b"me@{me}"), n(b"you@{me}"))); '
    'print(s.recv(999).partition(b":")[2][:-1].decode())\''
)

SMART_HOST: Final = """
{name}: QMQP on {address} port {port}. Ctrl-C stops everything in order.

A first message, answered by Kok, a time and a process id:

  {first}

and one from this host    echo to: you | {root}/qmail/bin/qmail-inject
where they arrive         {root}/qmail/alias/Maildir/new
what could not go yet     {root}/qmail/bin/mailq
the logs, as they grow    tail -F {root}/log/qmail/*/current | {root}/qmail/bin/tai64nlocal
who may send              {root}/etc/tcp.qmqp (then smarthost-deploy {root})
the services              {ctl} -c {root}/qmail/etc/supervisord.conf status

"""

NULL_CLIENT: Final = """
{name}: a null client of {servers}. Ctrl-C stops everything in order.

A first message           echo to: somebody@example.com | {root}/qmail/bin/qmail-inject
what could not go yet     {root}/qmail/bin/mailq
where all of it goes      {root}/qmail/control/remotes
the logs, as they grow    tail -F {root}/log/qmail/*/current | {root}/qmail/bin/tai64nlocal
the services              {ctl} -c {root}/qmail/etc/supervisord.conf status

"""


def body(arguments: list[bytes]) -> int:
    options, rest = OPTIONS.parse(arguments)
    if len(rest) > 1:
        raise UsageError(OPTIONS.usage)
    root = os.path.abspath(rest[0] if rest else b"var")
    chosen = [word for letter, value in options for word in (b"-" + letter.encode(), b"%d" % value)]
    status = launch.call([home.program(b"smarthost-deploy", root), *chosen, root])
    if status == 0:
        _run(root)
    return status


def _run(root: bytes) -> NoReturn:
    control = Controls(root + b"/qmail")
    facts = {
        "name": NAME,
        "root": shlex.quote(os.fsdecode(root)),
        "ctl": shlex.quote(os.path.dirname(os.path.abspath(sys.argv[0])) + "/supervisorctl"),
    }
    servers = control.lines(b"remotes")
    if servers is None:
        ending.say(_of_smart_host(root, control, facts), ending.STDOUT)
    else:
        hosts = [os.fsdecode(server.split()[0]) for server in servers if server.split()]
        ending.say(NULL_CLIENT.format(**facts, servers=", ".join(hosts) or "no server yet"), ending.STDOUT)
    launch.become_engine(
        b"smarthost.supervision", [root + b"/service", root + b"/qmail/etc/supervisord.conf"]
    )


def _of_smart_host(root: bytes, control: Controls, facts: dict[str, str]) -> str:
    """What to say of it. Raises Temporary if its port is in use."""
    address = control.line(b"qmqpaddress") or b"0"
    port = control.line(b"qmqpport") or b"628"
    if not _still_runs(root + b"/qmail/supervise/qmail-qmqpd"):
        _ask_for_port(address, port)
    where = {
        "address": "127.0.0.1" if address == b"0" else os.fsdecode(address),
        "port": os.fsdecode(port),
        "me": os.fsdecode(control.line(b"me") or b"localhost"),
    }
    return SMART_HOST.format(first=FIRST_MESSAGE.format(**where), **where, **facts)


def _still_runs(service: bytes) -> bool:
    """Whether an engine that was killed left it running: it has the port, and the next one takes it over."""
    try:
        with files.stream(service + b"/supervise/child") as record:
            last = lastchild.unpack(record.read(lastchild.SIZE))
    except (OSError, FormatError):
        return False
    started = procs.started(last.pid)
    if last.boot != procs.boot_id() or started == procs.NO_START or started != last.started:
        return False
    try:
        os.close(files.open_write(service + b"/supervise/ok"))
    except OSError:
        return True  # nobody reads it: there is no engine
    return False


def _ask_for_port(address: bytes, port: bytes) -> None:
    """Say at once what would otherwise stand in the log every second. Raises Temporary."""
    import socket  # noqa: PLC0415 - once per start of all services

    if not port.isdigit():
        return  # a service's name: tcpserver knows
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("" if address == b"0" else address.decode(), int(port)))
    except OSError as error:
        raise Temporary(
            f"unable to listen on {os.fsdecode(address)} port {int(port)}: {errtext.reason(error)};"
            f" stop what does, or choose another port with -p"
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
