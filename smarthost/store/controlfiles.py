"""What each control file means, as qmail-showctl says it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.store.controls import Controls

DEFAULT: Final = b"(Default.) "


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
    """A file that is handed on as it is, or a directory of such files."""

    def __init__(self, name: bytes, meaning: bytes) -> None:
        self.name = name
        self._meaning = meaning

    def explain(self, controls: Controls) -> bytes:
        if not os.path.isdir(controls.directory + b"/" + self.name):
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
    Present(b"clientcert.pem", b"SMTP servers that ask for a certificate are shown this one."),
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
    Present(b"notlshosts", b"No TLS is started with the SMTP servers that have a file here."),
    List(b"outgoingip", b"Any address will do.", b"Other hosts are reached from ", b"."),
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
    Number(b"sendtimeout", b"3600", b"As a null client: a server may take for a message ", b" seconds"),
    Fact(b"senduser", b"qmail's own accounts", b"qmail-send and all deliveries run as "),
    Fact(b"tlsclientciphers", b"OpenSSL's choice", b"TLS with other hosts may use these ciphers: "),
    Present(b"tlshosts", b"The SMTP servers that have a file here must prove by TLS who they are."),
)


def printable(text: bytes) -> bytes:
    return bytes(byte if 32 <= byte < 127 else 0x3F for byte in text)


def _modified(path: bytes) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None
