"""qmail-local: deliver a message to a user, as the user's .qmail file says.

    qmail-local [ -nN ] user homedir local dash ext domain sender defaultdelivery

Reads   the message on descriptor 0, which must be a file: it is read again for each instruction. The
        .qmail file in homedir that dash and ext name, and whether its -owner has one
Writes  maildirs and mboxes, the message to programs and to the queue program ($QMAILQUEUE, else
        bin/qmail-queue of the home); `did 1+0+0` (files, forwards, programs) on descriptor 1, and what
        went wrong on 2, in one line
Exits   0 delivered; 100 it cannot be delivered; 111 not now
Options -n say what would be done, and do nothing; -N (the default) do it
Differs the home is not compiled in: QMAILHOME, else where this program lies, else /var/qmail;
        names are synced where they are made, as Linux needs it: new/ of a maildir, and the directory of a
        new mbox; names in a maildir have microseconds in them, and hosts no / or :; no process is made
        for a maildir; an mbox that another took the place of while we waited for its lock is let go, and
        that one is used; an mbox that ends within a line gets an end to that line first; a .qmail file
        of more than 64 MB is "out of memory" whatever memory there is
"""

from __future__ import annotations

import os
from time import time

from smarthost import ending
from smarthost.errors import Bounced, Deferred, UsageError
from smarthost.formats import dotqmail
from smarthost.options import Chain
from smarthost.policy import replies
from smarthost.policy.delivery import Delivery
from smarthost.store import maildirdelivery, mboxdelivery, userhome
from smarthost.store.home import qmail_home
from smarthost.store.submission import Unreadable, pass_on
from smarthost.unix import errtext, files, process, shell, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from smarthost.formats.dotqmail import Instruction

NAME: Final = "qmail-local"
REENTRANT: Final = True
# A forward needs them, if the queue program is ours.
LATE: Final = ("smarthost.store.queueing", "smarthost.store.rewriting")

USAGE: Final = "qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty"
OPTIONS: Final = Chain(USAGE, flags="nN")
WORDS: Final = 8

MESSAGE: Final = 0

# What a program exits with: 100 and what sendmail's programs mean by it.
HARD: Final = frozenset((100, 64, 65, 70, 76, 77, 78, 112))
LAST: Final = 99


def prepare() -> None:
    """For who runs it often: once we are the user, what is not loaded may be out of reach."""
    import fcntl  # noqa: F401, PLC0415  what an mbox needs
    import pwd  # noqa: F401, PLC0415  what a forward needs then


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    try:
        return _body(arguments)
    except MemoryError:
        raise Deferred("Out of memory. (#4.3.0)") from None


def _body(arguments: list[bytes]) -> int:
    given, words = OPTIONS.parse(arguments)
    earnest = not given or given[-1][0] == "N"
    if len(words) != WORDS:
        raise UsageError(USAGE)
    user, home_of_user, local, dash, ext, host, sender, default = words
    if not home_of_user.startswith(b"/"):
        raise UsageError(USAGE)
    delivery = Delivery(
        user=user, home=home_of_user, local=local, dash=dash, ext=ext, host=host, sender=sender
    )
    home = os.path.abspath(qmail_home())
    os.umask(0o077)
    signals.ignore(signals.SIGPIPE)
    if userhome.enter(delivery.home):
        if earnest:
            raise Deferred("Home directory is sticky: user is editing his .qmail file. (#4.2.1)")
        ending.say("Warning: home directory is sticky.\n")
    if earnest:
        _check_loop(delivery.delivered_to)
    now = int(time())
    os.environb.update(delivery.environment(now))
    control = userhome.control(delivery)
    if control.default is not None:
        os.environb[b"DEFAULT"] = control.default
    new_sender = userhome.forwarded_sender(delivery)
    os.environb[b"NEWSENDER"] = new_sender
    content, forward_only = control.content, control.forward_only
    if not content:
        content, forward_only = default, False
    instructions = dotqmail.instructions(content)
    if not earnest:
        return _show(instructions, forward_only)
    return Run(delivery, home, now).follow(instructions, new_sender, forward_only)


def _check_loop(delivered_to: bytes) -> None:
    """Bounce the message if its header has this very line. Whatever its lines, a block of it is held."""
    _rewind()
    looping = b"\n" + delivered_to
    text = b"\n"
    try:
        for block in files.blocks(MESSAGE):
            text += block
            end, line = text.find(b"\n\n"), text.find(looping)
            if line >= 0 and (end < 0 or line < end):
                raise Bounced("This message is looping: it already has my Delivered-To line. (#5.4.6)")
            if end >= 0:
                return
            text = text[-len(looping) :]
    except OSError as error:
        raise Deferred(f"Unable to read message: {errtext.reason(error)}. (#4.3.0)") from error


class Count:
    """What was done, for the last line."""

    def __init__(self) -> None:
        self.files = 0
        self.forwards = 0
        self.programs = 0

    def add(self, instruction: Instruction, forward_only: bool) -> None:
        """Raises Deferred if it is not allowed."""
        if instruction.kind == dotqmail.BLANK:
            raise Deferred("Uh-oh: first line of .qmail file is blank. (#4.2.1)")
        if instruction.kind == dotqmail.FORWARD:
            self.forwards += 1
        elif instruction.kind == dotqmail.PROGRAM:
            self.programs += 1
            if forward_only:
                raise Deferred("Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)")
        else:
            self.files += 1
            if forward_only:
                raise Deferred("Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)")

    def say(self, pid: int = 0) -> None:
        queued = f"qp {pid}\n" if pid else ""
        ending.say(f"did {self.files}+{self.forwards}+{self.programs}\n{queued}", ending.STDOUT)


def _show(instructions: Iterable[Instruction], forward_only: bool) -> int:
    count = Count()
    for instruction in instructions:
        if instruction.kind == dotqmail.FORWARD_ONLY:
            forward_only = True
            continue
        count.add(instruction, forward_only)
        ending.say(os.fsdecode(instruction.kind + b" " + instruction.shown + b"\n"), ending.STDOUT)
    count.say()
    return 0


class Run:
    """A delivery in earnest. `home` is qmail's; this directory is the user's."""

    def __init__(self, delivery: Delivery, home: bytes, now: int) -> None:
        self._home = home
        self._above = delivery.return_path + delivery.delivered_to
        self._delivered_to = delivery.delivered_to
        self._from_line = delivery.from_line(now)
        self._count = Count()
        self._maildirs = 0

    def follow(self, instructions: Iterable[Instruction], sender: bytes, forward_only: bool) -> int:
        """Forwards come last, and together: what fails before keeps all of them from being made."""
        forwards: list[bytes] = []
        for instruction in instructions:
            if instruction.kind == dotqmail.FORWARD_ONLY:
                forward_only = True
                continue
            self._count.add(instruction, forward_only)
            if instruction.kind == dotqmail.FORWARD:
                forwards.append(instruction.text)
            elif instruction.kind == dotqmail.PROGRAM:
                ended = self._program(instruction.text)
                if ended == LAST:
                    break
                if ended:
                    return ended
            else:
                self._file(instruction)
        self._count.say(self._forward(sender, forwards) if forwards else 0)
        return 0

    def _file(self, instruction: Instruction) -> None:
        _rewind()
        if instruction.kind == dotqmail.MAILDIR:
            maildirdelivery.deliver(instruction.text, self._above, MESSAGE, self._maildirs)
            self._maildirs += maildirdelivery.NAMES
        else:
            mboxdelivery.deliver(instruction.text, self._from_line + self._above, MESSAGE)

    def _program(self, command: bytes) -> int:
        """0, 99 to skip what follows, else what to exit with: the program has said why."""
        _rewind()
        try:
            child = shell.start(command, (), _no_shell, shell.SHELL)
        except OSError as error:
            raise _unable_to_fork(error) from error
        ended = process.wait(child)
        if ended < 0:
            raise Deferred("Aack, child crashed. (#4.3.0)")
        if ended in (0, LAST):
            return ended
        return Bounced.status if ended in HARD else Deferred.status

    def _forward(self, sender: bytes, recipients: Iterable[bytes]) -> int:
        """The pid of the queue program that took it."""
        _rewind()
        try:
            pid, reply = pass_on(self._home, self._delivered_to, MESSAGE, sender, recipients)
        except OSError as error:
            raise _unable_to_fork(error) from error
        except Unreadable:
            pid, reply = 0, replies.REPLIES[replies.READ_ERROR]
        if reply is not None:
            kind = Bounced if reply.startswith(b"D") else Deferred
            raise kind(f"Unable to forward message: {os.fsdecode(reply[1:])}.")
        return pid


def _rewind() -> None:
    try:
        files.rewind(MESSAGE)
    except OSError as error:
        raise Deferred("Unable to rewind message. (#4.3.0)") from error


def _no_shell(error: OSError) -> int:
    ending.say(f"Unable to run /bin/sh: {errtext.reason(error)}. (#4.3.0)\n")
    return Deferred.status


def _unable_to_fork(error: OSError) -> Deferred:
    return Deferred(f"Unable to fork: {errtext.reason(error)}. (#4.3.0)")
