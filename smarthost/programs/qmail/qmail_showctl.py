"""qmail-showctl: explain the current configuration.

Reads   every file in control/ of the home: QMAILHOME, else the home that this program lies in,
        else /var/qmail
Writes  on descriptor 1, what each control file means: first those that the original knows, in its
        order and words, whether they are there or not; then the others that are there
Exits   0; 111 when the home or its control directory cannot be entered, or control/me not be read
Differs an account or group that does not exist is shown as ? (the original ends with 111);
        control files that only this project's programs read are explained, where the original has
        no idea what they do; files after the original's list are sorted by name;
        numbers beyond 2^31 are shown as they are
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.store.controls import Controls
from smarthost.store.home import qmail_home
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

NAME = "qmail-showctl"

TROUBLE: Final = b"Oops! Trouble reading this file.\n"
DEFAULT: Final = b"(Default.) "
NO_IDEA: Final = b"I have no idea what this file does.\n"

# What the originals have compiled in (their conf-break, conf-patrn, conf-spawn and conf-split).
COMPILED_IN: Final = (
    b"user-ext delimiter: -.\n"
    b"paternalism (in decimal): 2.\n"
    b"silent concurrency limit: 120.\n"
    b"subdirectory split: 23.\n"
)
USERS: Final = ("alias", "qmaild", "qmaill", "root", "qmailp", "qmailq", "qmailr", "qmails")
GROUPS: Final = ("nofiles", "qmail")


class Number:
    """A file that holds a number."""

    def __init__(self, name: bytes, default: bytes, before: bytes, after: bytes = b"") -> None:
        self.name = name
        self._default = default
        self._before = before
        self._after = after

    def explain(self, controls: Controls) -> bytes:
        number = controls.number(self.name)
        if number is None:
            return DEFAULT + self._before + self._default + self._after + b".\n"
        return self._before + b"%d" % number + self._after + b".\n"


class Fact:
    """A file that holds one line; if there is none, control/me may speak for it."""

    def __init__(self, name: bytes, default: bytes, before: bytes, *, or_me: bool = False) -> None:
        self.name = name
        self._default = default
        self._before = before
        self._or_me = or_me

    def explain(self, controls: Controls) -> bytes:
        fact = controls.line(self.name)
        if fact is not None:
            return self._before + printable(fact) + b".\n"
        me = controls.line(b"me") if self._or_me else None
        return DEFAULT + self._before + printable(self._default if me is None else me) + b".\n"


class List:
    """A file that holds a list."""

    def __init__(self, name: bytes, default: bytes, before: bytes, after: bytes = b"") -> None:
        self.name = name
        self._default = default
        self._before = before
        self._after = after

    def explain(self, controls: Controls) -> bytes:
        facts = controls.lines(self.name)
        if facts is None:
            return DEFAULT + self._default + b"\n"
        return b"\n" + b"".join(self._before + printable(fact) + self._after + b"\n" for fact in facts)


class Present:
    """A file that is handed on as it is."""

    def __init__(self, name: bytes, meaning: bytes) -> None:
        self.name = name
        self._meaning = meaning

    def explain(self, controls: Controls) -> bytes:
        controls.content(self.name)
        return self._meaning + b"\n"


class MoreRcpthosts:
    """morercpthosts counts only beside rcpthosts."""

    name = b"morercpthosts"
    _alone = List(
        name,
        b"No rcpthosts; morercpthosts is irrelevant.",
        b"No rcpthosts; doesn't matter that morercpthosts has ",
        b".",
    )
    _beside = List(name, b"No effect.", b"SMTP clients may send messages to recipients at ", b".")

    def explain(self, controls: Controls) -> bytes:
        try:
            there = controls.lines(b"rcpthosts") is not None
        except OSError:
            there = True
        return (self._beside if there else self._alone).explain(controls)


class MoreRcpthostsCdb:
    """The compiled form, which somebody may have forgotten to make anew."""

    name = b"morercpthosts.cdb"

    def explain(self, controls: Controls) -> bytes:
        source = _modified(controls.directory + b"/morercpthosts")
        compiled = _modified(controls.directory + b"/morercpthosts.cdb")
        if source is None and compiled is None:
            return DEFAULT + b"No effect.\n"
        if source is None:
            return b"Oops! morercpthosts.cdb exists but morercpthosts doesn't.\n"
        if compiled is None:
            return b"Oops! morercpthosts exists but morercpthosts.cdb doesn't.\n"
        if source > compiled:
            return b"Oops! morercpthosts.cdb is older than morercpthosts.\n"
        return b"Modified recently enough; hopefully up to date.\n"


File = Number | Fact | List | Present | MoreRcpthosts | MoreRcpthostsCdb

_RECIPIENTS: Final = b"SMTP clients may send messages to recipients at "

# The original's list, in its order: what is shown whether the file is there or not.
KNOWN: Final = (
    List(b"badmailfrom", b"Any MAIL FROM is allowed.", b"", b" not accepted in MAIL FROM."),
    Fact(b"bouncefrom", b"MAILER-DAEMON", b"Bounce user name is "),
    Fact(b"bouncehost", b"bouncehost", b"Bounce host name is ", or_me=True),
    Number(b"concurrencylocal", b"10", b"Local concurrency is "),
    Number(b"concurrencyremote", b"20", b"Remote concurrency is "),
    Number(b"databytes", b"0", b"SMTP DATA limit is ", b" bytes"),
    Fact(b"defaultdomain", b"defaultdomain", b"Default domain name is ", or_me=True),
    Fact(b"defaulthost", b"defaulthost", b"Default host name is ", or_me=True),
    Fact(b"doublebouncehost", b"doublebouncehost", b"2B recipient host: ", or_me=True),
    Fact(b"doublebounceto", b"postmaster", b"2B recipient user: "),
    Fact(b"envnoathost", b"envnoathost", b"Presumed domain name is ", or_me=True),
    Fact(b"helohost", b"helohost", b"SMTP client HELO host name is ", or_me=True),
    Fact(b"idhost", b"idhost", b"Message-ID host name is ", or_me=True),
    Fact(b"localiphost", b"localiphost", b"Local IP address becomes ", or_me=True),
    List(b"locals", b"Messages for me are delivered locally.", b"Messages for ", b" are delivered locally."),
    Fact(b"me", b"undefined! Uh-oh", b"My name is "),
    List(
        b"percenthack",
        b"The percent hack is not allowed.",
        b"The percent hack is allowed for user%host@",
        b".",
    ),
    Fact(b"plusdomain", b"plusdomain", b"Plus domain name is ", or_me=True),
    List(b"qmqpservers", b"No QMQP servers.", b"QMQP server: ", b"."),
    Number(b"queuelifetime", b"604800", b"Message lifetime in the queue is ", b" seconds"),
    List(b"rcpthosts", b"SMTP clients may send messages to any recipient.", _RECIPIENTS, b"."),
    MoreRcpthosts(),
    MoreRcpthostsCdb(),
    Fact(b"smtpgreeting", b"smtpgreeting", b"SMTP greeting: 220 ", or_me=True),
    List(b"smtproutes", b"No artificial SMTP routes.", b"SMTP route: "),
    Number(b"timeoutconnect", b"60", b"SMTP client connection timeout is ", b" seconds"),
    Number(b"timeoutremote", b"1200", b"SMTP client data timeout is ", b" seconds"),
    Number(b"timeoutsmtpd", b"1200", b"SMTP server data timeout is ", b" seconds"),
    List(b"virtualdomains", b"No virtual domains.", b"Virtual domain: "),
)

# What only our programs read: shown if it is there.
OURS: Final = (
    Fact(b"adminaddr", b"nobody", b"As a null client: mail for this host's addresses goes to "),
    Fact(b"allmailfrom", b"as it is", b"As a null client: the sender of all mail is "),
    Number(b"concurrencyqmqp", b"20", b"QMQP concurrency is "),
    Number(b"concurrencyqmqplocal", b"40", b"Local QMQP concurrency is "),
    Fact(b"defaultdelivery", b"./Maildir/", b"Local mail without a .qmail file goes to "),
    Number(b"errordelay", b"0", b"QMQP clients wait for an error for ", b" seconds"),
    Number(b"explainerrors", b"0", b"QMQP clients are told about errors of every kind: "),
    Number(b"logaddresses", b"0", b"Senders and recipients of QMQP clients are logged: "),
    Number(b"maxhops", b"0", b"Limit of a message's hops by QMQP is "),
    Number(
        b"maxpause", b"86400", b"As a null client: mail that waits is tried again after at most ", b" seconds"
    ),
    Number(b"maxrecipients", b"0", b"Limit of a message's recipients by QMQP is "),
    Number(
        b"pausetime", b"60", b"As a null client: mail that waits is first tried again after ", b" seconds"
    ),
    Fact(b"qmqpaddress", b"0", b"QMQP clients connect to "),
    Present(b"qmqpca.pem", b"Only these authorities vouch for QMQP servers with tls:."),
    Present(b"qmqpcert.pem", b"QMQP servers with tls: are shown this certificate."),
    Fact(b"qmqpflags", b"none", b"More options of the QMQP service's tcpserver: "),
    Fact(b"qmqploguser", b"qmaill", b"Services' logs are written by "),
    Number(b"qmqpport", b"628", b"QMQP clients connect to port "),
    Fact(b"qmqpuser", b"qmaild", b"The QMQP services run as "),
    Fact(b"qmqpverify", b"name", b"Certificates of QMQP servers are checked by: "),
    Present(b"remotes", b"This is a null client: all mail that is not local goes to these servers."),
    Fact(b"senduser", b"qmail's own accounts", b"qmail-send and all deliveries run as "),
)


def printable(text: bytes) -> bytes:
    return bytes(byte if 32 <= byte < 127 else 0x3F for byte in text)


def _modified(path: bytes) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _ids(what: bytes, numbers: Iterable[int | None]) -> bytes:
    return (
        what + b": " + b", ".join(b"?" if number is None else b"%d" % number for number in numbers) + b".\n"
    )


def _uid(user: str) -> int | None:
    import pwd  # noqa: PLC0415

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _gid(group: str) -> int | None:
    import grp  # noqa: PLC0415

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None


def _explained(file: File, controls: Controls) -> bytes:
    try:
        return b"\n" + file.name + b": " + file.explain(controls)
    except OSError:
        return b"\n" + file.name + b": " + TROUBLE


def _report(home: bytes) -> tuple[int, bytes]:
    """The exit status, and all that is to be said."""
    said = b"qmail home directory: " + home + b".\n" + COMPILED_IN
    said += _ids(b"user ids", map(_uid, USERS)) + _ids(b"group ids", map(_gid, GROUPS))
    if not os.access(home, os.X_OK) or not os.path.isdir(home):
        return 111, said + b"Oops! Unable to chdir to " + home + b".\n"
    controls = Controls(home)
    if not os.access(controls.directory, os.X_OK) or not os.path.isdir(controls.directory):
        return 111, said + b"Oops! Unable to chdir to control.\n"
    try:
        present = sorted(os.listdir(controls.directory))
    except OSError:
        return 111, said + b"Oops! Unable to open current directory.\n"
    try:
        controls.line(b"me")
    except OSError:
        return 111, said + b"Oops! Trouble reading control/me."
    for known in KNOWN:
        said += _explained(known, controls)
    ours = {file.name: file for file in OURS}
    for name in present:
        if name in ours:
            said += _explained(ours[name], controls)
        elif all(name != known.name for known in KNOWN):
            said += b"\n" + name + b": " + NO_IDEA
    return 0, said


def body(_arguments: list[bytes]) -> int:
    status, said = _report(qmail_home())
    files.write_all(ending.STDOUT, said)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
