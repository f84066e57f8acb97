"""sendmail: send a message, for programs that know no other way.

    sendmail [ -t ] [ -f sender ] [ -F name ] [ -bp | -bs | -bi ] [ recipient ... ]

    -t   also to the recipients that the header names
    -f   the envelope's sender, and the author if the message names none; -r is the same; <> is nobody
    -F   the author's name if the message names none
    -bp  show the queue, as does the name mailq
    -bs  speak SMTP on descriptors 0 and 1, a message after the other
    -bi  nothing: no aliases are compiled here; as do -I and the name newaliases
    -q   alone: nothing, for what waits in a queue needs no pushing
    Accepted without effect: -i -m -n -v -x -G -U, -A -B -C -D -L -N -O -R -V -X -e -h -o -p with their values
    (joined or apart), -E -J -d. A lone dot does not end a message, whatever -i says.

Reads   a message on descriptor 0; -bs: control/me, control/smtpgreeting, DATABYTES or control/databytes
Writes  qmail-inject of the home gets the message, and QMAILUSER, QMAILHOST, MAILNAME in its
        environment where -f and -F ask for it
Exits   0 queued; 64 (EX_USAGE) arguments that make no sense, 65 (EX_DATAERR) refused for good,
        75 (EX_TEMPFAIL) anything that may pass
Differs exit statuses are sysexits.h's, not 100 and 111; an unknown flag is a warning and not the end;
        -f '<>' and -f '<joe@host>' mean what they say, and nobody as sender is not made the author;
        -F counts also beside -f; no recipient at all is an error; -bs needs no qmail-smtpd: it has
        a session of its own, whose messages go through qmail-inject, and honours databytes;
        -bp shows what our mailq does, with ages and errors, not qmail-qread's listing, and says that the queue
        is empty where the home has none; -bi and newaliases end with 0;
        -G -I -U -n -q -A -C -D -L -N -O -R -V -X -d -h -r are known; a lone --help or --version is answered
"""

from __future__ import annotations

import os
import sys

from smarthost import ending, launch
from smarthost.errors import FormatError, Temporary, UsageError
from smarthost.formats import sendmailflags
from smarthost.policy import nobody
from smarthost.store.home import program, qmail_home
from smarthost.unix import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import Final

NAME: Final = "sendmail"
USAGE: Final = "sendmail [ -t ] [ -fsender ] [ -Fname ] [ -bp ] [ -bs ] [ arg ... ]"

STDIN: Final = 0
STDOUT: Final = 1
BLOCK: Final = 65536
# More digits than a size can have.
DIGITS_LIMIT: Final = 19

# sysexits.h, by what our other programs exit with.
EX_TEMPFAIL: Final = 75
SYSEXITS: Final = {0: 0, 100: 65, 111: EX_TEMPFAIL}
USAGE_SYSEXITS: Final = {100: 64, 111: EX_TEMPFAIL}

# What names of this program mean, as with every sendmail.
MODES_BY_NAME: Final = {b"mailq": sendmailflags.SHOW_QUEUE, b"newaliases": sendmailflags.MAKE_ALIASES}

# The variables that say who the author is.
AUTHOR: Final = (b"QMAILNAME", b"MAILNAME", b"NAME", b"QMAILHOST", b"MAILHOST")


def body(arguments: list[bytes]) -> int:
    try:
        call = sendmailflags.read(arguments)
    except FormatError as error:
        raise UsageError(USAGE, str(error)) from None
    for flag in call.unknown:
        ending.warn(NAME, f"unknown option {os.fsdecode(flag)}")
    mode = MODES_BY_NAME.get(os.path.basename(os.fsencode(sys.argv[0])), call.mode)
    home = qmail_home()
    if mode == sendmailflags.SHOW_QUEUE:
        return show_queue(home)
    if mode == sendmailflags.SPEAK_SMTP:
        return speak_smtp(home)
    if mode == sendmailflags.MAKE_ALIASES or (
        call.run_queue and not call.recipients and not call.from_header
    ):
        return 0
    if not call.recipients and not call.from_header:
        raise UsageError(USAGE, "no recipients")
    inject = injection(home, call.sender, call.recipients, from_header=call.from_header)
    name_author(os.environb, call.sender, call.full_name)
    nobody.refuse(os.environb)
    return SYSEXITS.get(launch.finish_as(inject), EX_TEMPFAIL)


def injection(
    home: bytes, sender: bytes | None, recipients: list[bytes], *, from_header: bool = False
) -> list[bytes]:
    """The qmail-inject that sends a message as asked."""
    who = b"-H" if from_header else b"-a"
    by = [] if sender is None else [b"-f", sender]
    return [program(b"qmail-inject", home), who, *by, b"--", *recipients]


def name_author(environ: MutableMapping[bytes, bytes], sender: bytes | None, full_name: bytes | None) -> None:
    """Let the From field, if the message has none, name whom -f and -F name."""
    if sender:
        for name in AUTHOR:
            environ.pop(name, None)
        user, at, host = sender.rpartition(b"@")
        environ[b"QMAILUSER"] = user if at else sender
        if at:
            environ[b"QMAILHOST"] = host
    if full_name is not None:
        environ[b"MAILNAME"] = full_name


def show_queue(home: bytes) -> int:
    """As mailq does. Not by becoming it: that name may be a link to this very program."""
    from time import time  # noqa: PLC0415  the other modes do without

    from smarthost.store import queueview  # noqa: PLC0415

    signals.uncatch(signals.SIGPIPE)
    queueview.show(home + b"/queue", int(time()), STDOUT)
    return 0


def speak_smtp(home: bytes) -> int:
    """Hold an SMTP session on descriptors 0 and 1; each message goes through a qmail-inject of its own."""
    from smarthost.policy.smtpsession import Session, outcome  # noqa: PLC0415  the other modes do without
    from smarthost.server.smtp import Conversation  # noqa: PLC0415
    from smarthost.store.controls import Controls  # noqa: PLC0415
    from smarthost.unix import process  # noqa: PLC0415

    controls = Controls(home)
    try:
        greeting = controls.line(b"smtpgreeting", or_me=True)
        limit = controls.number(b"databytes")
    except OSError:
        raise Temporary("unable to read controls") from None
    said = os.environb.get(b"DATABYTES", b"")
    databytes = int(said) if said.isdigit() and len(said) <= DIGITS_LIMIT else limit or 0

    def send(message: int, sender: bytes, recipients: list[bytes]) -> bytes:
        environ = dict(os.environb)
        name_author(environ, sender, None)
        argv = injection(home, sender, recipients)
        words = os.memfd_create("words")
        nothing = os.open(b"/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        try:
            pid = process.spawn(argv[0], argv, environ, {0: message, 1: nothing, 2: words})
            return outcome(process.wait(pid), os.pread(words, BLOCK, 0))
        except OSError:
            return b"451 unable to run qmail-inject (#4.3.0)"
        finally:
            os.close(words)
            os.close(nothing)

    conversation = Conversation(Session(greeting or b"localhost", databytes), send)
    return 0 if conversation.hold(STDIN, STDOUT) else EX_TEMPFAIL


def main(argv: Sequence[str] | None = None) -> int:
    """What `body` fails with is about the arguments, or temporary."""
    return ending.run(NAME, body, argv, manual=__doc__, statuses=USAGE_SYSEXITS)
