"""qmail-inject: complete a message's header, and hand the message to the queue.

    qmail-inject [ -nNaAhH ] [ -f sender ] [ recipient ... ]

    -a  to the recipients given           -A  to them, or if there are none, to the header's (default)
    -h  to the header's recipients        -H  to both
    -n  print it, queue nothing           -N  queue it (default)
    -f  the envelope's sender

Reads   a message on descriptor 0; control/{me,defaultdomain,defaulthost,plusdomain,idhost} of the
        home, each overridden by QMAILDEFAULTDOMAIN, QMAILDEFAULTHOST, QMAILPLUSDOMAIN, QMAILIDHOST;
        QMAILUSER MAILUSER USER LOGNAME, QMAILHOST MAILHOST, QMAILNAME MAILNAME NAME, QMAILSUSER,
        QMAILSHOST, QMAILMFTFILE, and QMAILINJECT (letters c f i m n r s)
Writes  message and envelope to $QMAILQUEUE, else to bin/qmail-queue of the home; -n: on descriptor 1
Exits   0 queued or printed, 100 bad option, unreadable field or address, refused by the queue for
        good, 111 anything that may pass
Differs a message for recipients of its header is refused (100) when a field of theirs cannot be read,
        where the original queues it without them and says 0; the letter n in QMAILINJECT refuses a
        message without recipients; a failing write with -n is an error; where there is a
        control/remotes, control files mean what they mean to nullmailer-inject: blanks around a name do
        not count, an empty file is as a missing one, localhost is a whole name, idhost is completed
        by defaultdomain; a lone --help or --version is answered
"""

from __future__ import annotations

import os
from time import time

from smarthost import ending, options
from smarthost.errors import Permanent, Temporary, UsageError
from smarthost.formats import control, fields
from smarthost.formats import token822 as t
from smarthost.formats.lines import Lines
from smarthost.formats.mailbox import quoted
from smarthost.policy import nobody
from smarthost.policy.hostnames import Hostnames
from smarthost.policy.identity import Identity
from smarthost.policy.injection import Header, argument, as_c_string
from smarthost.store.controls import ME, Controls
from smarthost.store.home import qmail_home
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

NAME: Final = "qmail-inject"
USAGE: Final = "qmail-inject [ -nNaAhH ] [ -fsender ] [ recip ... ]"

STDIN: Final = 0
STDOUT: Final = 1

# Host names that are whole without dots, to a null client as to nullmailer.
WHOLE: Final = (b"localhost",)


class LastWords(Permanent):
    """Ends as the original ends its line: with what could not be read, and no newline of ours."""

    def line(self, program: str) -> str:
        return f"{program}: {self}"


def unreadable(text: bytes) -> LastWords:
    return LastWords(f"fatal: unable to parse this line:\n{os.fsdecode(text)}")


class Settings:
    """What the administrator and the environment say, and the home, which becomes the current directory."""

    __slots__ = ("id_host", "identity", "lists", "names")

    def __init__(self) -> None:
        environ = os.environb
        home = qmail_home()
        self.identity = Identity(environ)
        try:
            self.lists = _lists(environ.get(b"QMAILMFTFILE"))
            try:
                os.chdir(home)
            except OSError:
                raise Temporary("internal bug") from None
            client = os.path.exists(b"control/remotes")
            said = _said(environ, client=client)
        except OSError:
            raise Temporary("read error") from None
        self.id_host = said[b"idhost"]
        try:
            self.names = Hostnames(
                said[b"defaulthost"],
                said[b"defaultdomain"],
                said[b"plusdomain"],
                whole=WHOLE if client else (),
            )
        except t.Unreadable as error:
            raise unreadable(error.text) from None

    def sender(self, given: bytes) -> bytes:
        try:
            return argument(given, self.names)
        except t.Unreadable as error:
            raise unreadable(error.text) from None

    def recipient(self, given: bytes) -> bytes:
        try:
            return argument(given, self.names)
        except t.Unreadable:
            raise Permanent(f"unable to parse address: {os.fsdecode(given)}") from None


def _said(environ: Mapping[bytes, bytes], *, client: bool) -> dict[bytes, bytes]:
    """What the administrator says about names, or the environment instead. Raises OSError.

    A null client reads them as nullmailer does: without blanks, an empty file as a missing one, and an idhost
    without dots in defaultdomain.
    """
    controls = Controls(b".")

    def line(name: bytes) -> bytes | None:
        found = controls.line(name)
        return (found.strip() or None) if client and found is not None else found

    me = line(ME)
    said: dict[bytes, bytes] = {}
    for name in (b"defaultdomain", b"defaulthost", b"plusdomain", b"idhost"):
        fact = line(name)
        if name == b"idhost" and client and fact is not None and fact not in WHOLE and b"." not in fact:
            fact += b"." + said[b"defaultdomain"]
        if fact is None:
            default = ME if client and name == b"idhost" else name
            fact = default if me is None else me
        said[name] = environ.get(b"QMAIL" + name.upper(), fact)
    return said


def _lists(path: bytes | None) -> frozenset[bytes]:
    """The mailing lists whose To and Cc shall be followed up, in lower case."""
    if path is None:
        return frozenset()
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        return frozenset()
    try:
        content = b"".join(files.blocks(descriptor))
    finally:
        os.close(descriptor)
    return frozenset(line.lower() for line in control.lines(content))


def incoming() -> Iterator[bytes]:
    try:
        yield from files.blocks(STDIN)
    except OSError:
        raise Temporary("read error") from None


def ended(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The body with a newline at its end, if there is anything before it."""
    last = b"\n"
    for block in blocks:
        yield block
        last = block
    if not last.endswith(b"\n"):
        yield b"\n"


def read_header(lines: Lines, header: Header) -> list[bytes]:
    """Give all fields to `header`; the lines of the body that were read by then."""
    reading = fields.header(lines)
    while True:
        try:
            header.take(next(reading))
        except StopIteration as stopped:
            body: list[bytes] = stopped.value
            return body


def body(arguments: list[bytes]) -> int:
    settings = Settings()
    chain = options.Chain(USAGE, "aAhHnN", {"f": settings.sender})
    try:
        given, rest = chain.parse(arguments)
    except UsageError as error:
        raise LastWords(f"{error.problem}\n") from None
    who, queueing, sender = "A", True, None
    for letter, value in given:
        if letter == "f":
            sender = value
        elif letter in "nN":
            queueing = letter == "N"
        else:
            who = letter
    if who == "A":
        who = "a" if rest else "h"
    recipients = [] if who == "h" else [settings.recipient(each) for each in rest]

    header = Header(settings.identity, settings.names, sender)
    lines = Lines(incoming())
    try:
        begun = read_header(lines, header)
        first = b"".join(header.finish(int(time()), os.getpid(), settings.id_host, settings.lists))
    except t.Unreadable as error:
        raise unreadable(error.text) from None
    first += b"".join(begun)
    if not queueing:
        shown = quoted(as_c_string(header.sender or b""))
        files.write_all(STDOUT, b"Return-Path: <" + shown + b">\n" + first)
        for block in ended(lines.rest()):
            files.write_all(STDOUT, block)
        return 0
    if who != "a":
        if header.unread:
            raise unreadable(header.unread[0])
        recipients += header.recipients
    if not recipients and nobody.is_refused(os.environb):
        raise Permanent("no recipients")
    return queue(first, lines, header.sender or b"", recipients)


def queue(first: bytes, lines: Lines, sender: bytes, recipients: list[bytes]) -> int:
    """Hand over the message. Queued is what the queue program says is queued."""
    from smarthost.store.submission import Submission  # noqa: PLC0415  -n does without

    try:
        submission = Submission()
    except OSError:
        raise Temporary("unable to run qmail-queue") from None
    try:
        submission.write(first)
        for block in ended(lines.rest()):
            submission.write(block)
        submission.sender(as_c_string(sender))
        for recipient in recipients:
            submission.recipient(as_c_string(recipient))
        failed = submission.finish()
    finally:
        submission.abandon()
    if failed is None:
        return 0
    words = os.fsdecode(failed[1:])
    raise (Permanent if failed.startswith(b"D") else Temporary)(words)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
