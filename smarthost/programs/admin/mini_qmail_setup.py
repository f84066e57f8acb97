"""mini-qmail-setup: make a home for a host that hands all its mail to QMQP servers.

    mini-qmail-setup [ --home dir ] [ --link-sendmail ]
                     [ smarthost domain plusdomain localhostname server ... ]

Reads   what is there already
Writes  in the home (--home, else $QMAILHOME, else /var/mini-qmail): bin/ with the programs of a
        mini-qmail installation and config-mini, bin/qmail-queue as a link to qmail-qmqpc, control/
        with the five files that the words make, as config-mini does, and man/ with links to the
        manual pages; with --link-sendmail also /usr/sbin/sendmail and /usr/lib/sendmail as links to
        bin/sendmail. What it makes, what it keeps and what is left to do, on descriptor 1
Exits   0; 100 when the words make no sense, and then nothing is done; 111 when something failed: run
        again, it goes on from there
Differs an addition. What is there and says something else is kept, except for a launcher of ours
        for another interpreter; a sendmail that gives way to the link is kept as
        sendmail.before-mini-qmail
"""

from __future__ import annotations

import os
import shlex

import click

from smarthost import ending
from smarthost.errors import FormatError, Permanent, Temporary, UsageError
from smarthost.policy import minihome
from smarthost.store import deployment, launchers
from smarthost.store.home import MINI
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

NAME = "mini-qmail-setup"
USAGE: Final = f"{NAME} [ --home dir ] [ --link-sendmail ] [ {minihome.USAGE} ]"

# The room that a program's module lies in, and the program.
PROGRAMS: Final = (
    ("admin", "config-mini"),
    *(
        ("qmail", name)
        for name in (
            *("datemail", "elq", "forward", "maildir2mbox", "maildirmake", "maildirwatch", "mailsubj"),
            *("pinq", "predate", "qail", "qmail-inject", "qmail-qmqpc", "qmail-showctl", "sendmail"),
        )
    ),
)
LINKS: Final = ((b"qmail-queue", b"qmail-qmqpc"),)

# Where every program that sends mail looks for sendmail.
SENDMAILS: Final = (b"/usr/sbin/sendmail", b"/usr/lib/sendmail")
ASIDE: Final = b".before-mini-qmail"

COMMAND: Final = click.Command(
    None,
    params=[
        click.Option(["--home"], type=click.Path()),
        click.Option(["--link-sendmail"], is_flag=True),
        click.Argument(["words"], nargs=-1),
    ],
    add_help_option=False,
)


def _say(text: str) -> None:
    ending.say(text + "\n", ending.STDOUT)


def _report(path: bytes, *, made: bool, as_wanted: bool) -> None:
    """Say what was made, and what is there and is something else."""
    if made:
        _say(f"Making {os.fsdecode(path)}")
    elif not as_wanted:
        _say(f"Keeping {os.fsdecode(path)}, which is not what this would make")


def _content(path: bytes) -> bytes | None:
    try:
        with files.stream(path) as there:
            return there.read()
    except OSError:
        return None


def _make_directory(path: bytes) -> None:
    _report(path, made=deployment.directory(path), as_wanted=True)


def _make_link(path: bytes, target: bytes) -> bool:
    """Whether the link is there, made now or before."""
    made = deployment.link_missing(target, path)
    as_wanted = made or (os.path.islink(path) and os.readlink(path) == target)
    _report(path, made=made, as_wanted=as_wanted)
    return as_wanted


def _make_programs(home: bytes) -> None:
    for room, name in PROGRAMS:
        path = home + b"/bin/" + name.encode()
        module = f"smarthost.programs.{room}.{name.replace('-', '_')}".encode()
        before = _content(path)
        is_ours = launchers.refresh(path, module)
        _report(path, made=before != _content(path), as_wanted=is_ours)
    for link, target in LINKS:
        _make_link(home + b"/bin/" + link, target)


def _make_control(home: bytes, planned: list[minihome.ControlFile]) -> None:
    for control in planned:
        path = home + b"/control/" + control.name
        if deployment.write_missing(path, control.content):
            ending.say(os.fsdecode(control.announcement), ending.STDOUT)
        else:
            _report(path, made=False, as_wanted=_content(path) == control.content)


def _manuals() -> list[bytes]:
    """Our manual pages, wherever they are: in a checkout, or where pip put them among others."""
    checkout = os.path.dirname(deployment.PACKAGE) + b"/man"
    if os.path.isdir(checkout):
        return [
            b"%b/%b/%b" % (checkout, section, page)
            for section in sorted(os.listdir(checkout))
            for page in sorted(os.listdir(checkout + b"/" + section))
        ]
    from importlib.metadata import files as files_of_package  # noqa: PLC0415 - slower than all the rest

    installed = [os.path.abspath(str(file.locate())) for file in files_of_package("smarthost") or ()]
    return [os.fsencode(file) for file in sorted(installed) if "/share/man/" in file]


def _make_manuals(home: bytes) -> None:
    for manual in _manuals():
        section, page = manual.split(b"/")[-2:]
        directory = home + b"/man/" + section
        deployment.directory(directory)
        _make_link(directory + b"/" + page, manual)


def link_sendmail(home: bytes, sendmails: Sequence[bytes] = SENDMAILS) -> None:
    """Make programs find this home's sendmail; another one that they found so far is kept beside it."""
    target = home + b"/bin/sendmail"
    for path in sendmails:
        deployment.directory(os.path.dirname(path))
        if os.path.lexists(path) and not (os.path.islink(path) and os.readlink(path) == target):
            aside = path + ASIDE
            if os.path.lexists(aside):
                raise Permanent(f"{os.fsdecode(aside)} is in the way of keeping another {os.fsdecode(path)}")
            _say(f"Moving {os.fsdecode(path)} to {os.fsdecode(aside)}")
            files.rename(path, aside)
        _make_link(path, target)


def _say_what_is_left(home: bytes, *, linked: bool) -> None:
    shown = shlex.quote(os.fsdecode(home))
    if not os.path.exists(home + b"/control/qmqpservers"):
        _say(f"Now say where mail goes: {shown}/bin/config-mini {minihome.USAGE}")
    if not linked:
        _say("Now let programs find sendmail, as root (or run this again with --link-sendmail):")
        for path in map(os.fsdecode, SENDMAILS):
            _say(f"  rm -f {path} && ln -s {shown}/bin/sendmail {path}")


def body(arguments: list[bytes]) -> int:
    try:
        given = COMMAND.make_context(NAME, [os.fsdecode(argument) for argument in arguments]).params
        words = [os.fsencode(word) for word in given["words"]]
        planned = minihome.plan(words) if words else []
    except click.UsageError as error:
        raise UsageError(USAGE, error.message) from error
    except FormatError as error:
        raise UsageError(USAGE, str(error)) from error
    home = os.path.abspath(os.fsencode(given["home"] or os.environ.get("QMAILHOME") or os.fsdecode(MINI)))
    try:
        for part in (b"/bin", b"/control"):
            _make_directory(home + part)
        _make_programs(home)
        _make_control(home, planned)
        _make_manuals(home)
        if given["link_sendmail"]:
            link_sendmail(home)
    except OSError as error:
        named = error.filename
        what = os.fsdecode(named) if named and isinstance(named, str | bytes) else os.fsdecode(home)
        raise Temporary(f"unable to make {what}: {errtext.reason(error)}") from error
    _say_what_is_left(home, linked=given["link_sendmail"])
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
