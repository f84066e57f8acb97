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
import sys

from smarthost import ending, launch
from smarthost.errors import Temporary, UsageError
from smarthost.options import Chain, number
from smarthost.store import home
from smarthost.store.controls import Controls
from smarthost.unix import errtext

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
    's.sendall(n(n(b"Subject: first\\n\\nHello.\\n"), n(b"me@localhost"), n(b"you@localhost"))); '
    'print(s.recv(999).partition(b":")[2][:-1].decode())\''
)

READY: Final = """
{name}: QMQP on {address} port {port}. Ctrl-C stops everything in order.

A first message, answered by Kok, a time and a process id:

  {first}

the message is then in    {root}/qmail/queue/mess
the log, as it grows      tail -F {root}/log/qmail/qmqpd/current | {root}/qmail/bin/tai64nlocal
who may send              {root}/etc/tcp.qmqp (then smarthost-deploy {root})
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
    address = control.line(b"qmqpaddress") or b"0"
    port = control.line(b"qmqpport") or b"628"
    _ask_for_port(address, port)
    shown = "127.0.0.1" if address == b"0" else address.decode()
    first = FIRST_MESSAGE.format(address=shown, port=port.decode())
    tools = os.path.dirname(os.path.abspath(sys.argv[0]))
    ending.say(
        READY.format(
            name=NAME,
            address=shown,
            port=port.decode(),
            first=first,
            root=os.fsdecode(root),
            ctl=tools + "/supervisorctl",
        ),
        ending.STDOUT,
    )
    python = os.fsencode(sys.executable)
    launch.become(
        [
            python,
            b"-P",
            b"-m",
            b"smarthost.supervision",
            root + b"/service",
            root + b"/qmail/etc/supervisord.conf",
        ]
    )


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
