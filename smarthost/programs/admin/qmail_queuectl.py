"""qmail-queuectl: see and steer the mail queue, also while qmail-send runs.

    qmail-queuectl list [ --json ]
    qmail-queuectl show number
    qmail-queuectl retry all
    qmail-queuectl retry | hold | release | bounce | delete number ...

    list     what mailq shows; --json: an object on a line for each message
    show     one message with all its recipients, and its header
    retry    try now what waits for its next time
    hold     begin no delivery of it until it is released; a delivery that runs goes on
    release  let it be delivered again
    bounce   give up: recipients that wait count as failed, and the sender is told so
    delete   remove it, and tell nobody

Reads   the queue of the home: $QMAILHOME, else the one that the program lies in, else /var/qmail
Writes  orders and holds into the queue, for qmail-send, which removes them; without a qmail-send what it can do
        itself. On descriptor 1 what was listed, or a line for each message: what was done with it
Exits   0; 100 for a message that is not in the queue, or bad arguments; 111 for what cannot be done now, such as
        an order to a qmail-send of qmail's, which knows none: it is withdrawn. Every message named is dealt with
Differs there is no original
"""

from __future__ import annotations

import os
from time import time

from smarthost import ending
from smarthost.errors import Permanent, ProgramError, Temporary, UsageError
from smarthost.formats import queuelisting
from smarthost.store import queueorders, queuesteering, queueview
from smarthost.store.home import qmail_home
from smarthost.store.queuesteering import Steering
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

NAME: Final = "qmail-queuectl"
USAGE: Final = (
    "qmail-queuectl list [ --json ] | show number | retry all | retry|hold|release|bounce|delete number ..."
)

# Inodes are no larger.
DIGITS_LIMIT: Final = 20
# As much of a header as is shown.
HEADER_LIMIT: Final = 1 << 16

# What is said, by what became of an order.
SAID: Final = {
    (queueorders.RETRY, queuesteering.DONE): "will be tried now",
    (queueorders.RETRY, queuesteering.LATER): "will be tried when qmail-send comes to it",
    (queueorders.RETRY, queuesteering.NEXT_START): "will be tried when qmail-send starts",
    (queueorders.BOUNCE, queuesteering.DONE): "bounced",
    (queueorders.BOUNCE, queuesteering.LATER): "will be bounced when the deliveries that run have ended",
    (queueorders.BOUNCE, queuesteering.NEXT_START): "will be bounced when qmail-send starts",
    (queueorders.DELETE, queuesteering.DONE): "deleted",
    (queueorders.DELETE, queuesteering.LATER): "will be deleted when the deliveries that run have ended",
}


def say(text: str) -> None:
    ending.say(text + "\n", ending.STDOUT)


def number_of(word: bytes) -> int:
    if not word.isdigit() or len(word) > DIGITS_LIMIT:
        raise UsageError(USAGE, f"{os.fsdecode(word)!r} is no message's number")
    return int(word)


def unknown(number: int) -> Permanent:
    return Permanent(f"there is no message {number} in the queue")


def unheard(number: int) -> Temporary:
    return Temporary(
        f"message {number} is as it was: the qmail-send that runs does not take orders, as qmail's own does not"
    )


def list_all(queue: bytes, *, as_json: bool) -> int:
    signals.uncatch(signals.SIGPIPE)  # whoever reads a long listing may have seen enough
    if not as_json:
        queueview.show(queue, int(time()), ending.STDOUT)
        return 0
    from smarthost.formats import queuejson  # noqa: PLC0415

    view = queueview.View(queue)
    gathered = bytearray()
    for message in view.messages():
        for piece in queuejson.pieces(message, view.recipients(message)):
            gathered += piece
            if len(gathered) >= files.BLOCK:
                files.write_all(ending.STDOUT, gathered)
                gathered.clear()
    files.write_all(ending.STDOUT, gathered)
    return 0


def show(queue: bytes, number: int) -> int:
    """The message, and its header up to the empty line."""
    view = queueview.View(queue)
    message = view.look(number)
    if message is None:
        raise unknown(number)
    for line in queuelisting.lines(message, view.recipients(message), int(time()), done=True):
        files.write_all(ending.STDOUT, line)
    shown = 0
    try:
        with files.stream(view.path(b"mess", number)) as lines:
            while (line := lines.readline(HEADER_LIMIT)).strip(b"\r\n") and shown < HEADER_LIMIT:
                shown += len(line)
                files.write_all(ending.STDOUT, b"| " + queuelisting.shown(line.rstrip(b"\r\n")) + b"\n")
    except FileNotFoundError:
        pass  # it was delivered meanwhile
    return 0


def order(steering: Steering, number: int, verb: bytes) -> None:
    message = steering.view.look(number)
    if message is None:
        raise unknown(number)
    if verb == queueorders.RETRY and message.is_held:
        raise Permanent(f"message {number} is held: release it first")
    try:
        became = steering.order(number, verb)
    except FileNotFoundError:
        raise unknown(number) from None
    if became == queuesteering.UNHEARD:
        raise unheard(number)
    say(f"{number}: {SAID[verb, became]}")


def hold(steering: Steering, number: int, _verb: bytes) -> None:
    message = steering.view.look(number)
    if message is None:
        raise unknown(number)
    if not message.is_held and not steering.hold(number):
        raise unheard(number)
    say(f"{number}: " + ("was held already" if message.is_held else "held"))


def release(steering: Steering, number: int, _verb: bytes) -> None:
    if not steering.release(number) and steering.view.look(number) is None:
        raise unknown(number)
    say(f"{number}: released")


def retry_all(queue: bytes) -> int:
    pid = Steering(queue).retry_all()
    if pid is None:
        raise Temporary("qmail-send runs, and its process is not to be found from here: send it SIGALRM")
    say("everything will be tried now" if pid else "everything will be tried when qmail-send starts")
    return 0


COMMANDS: Final[dict[bytes, Callable[[Steering, int, bytes], None]]] = {
    b"bounce": order,
    b"delete": order,
    b"hold": hold,
    b"release": release,
    b"retry": order,
}


def steer(queue: bytes, verb: bytes, numbers: list[int]) -> int:
    """One message after the other; the gravest status of them all."""
    steering = Steering(queue)
    status = 0
    for number in numbers:
        try:
            COMMANDS[verb](steering, number, verb)
        except ProgramError as error:
            ending.say(error.line(NAME).replace("fatal: ", "", 1))
            status = max(status, error.status)
    return status


def body(arguments: list[bytes]) -> int:
    queue = qmail_home() + b"/queue"
    verb, rest = (arguments[0], arguments[1:]) if arguments else (b"", [])
    try:
        if verb == b"list" and rest in ([], [b"--json"]):
            return list_all(queue, as_json=bool(rest))
        if verb == b"show" and len(rest) == 1:
            return show(queue, number_of(rest[0]))
        if verb == b"retry" and rest == [b"all"]:
            return retry_all(queue)
        if verb in COMMANDS and rest:
            return steer(queue, verb, [number_of(word) for word in rest])
    except OSError as error:
        where = os.fsdecode(error.filename or queue)
        raise Temporary(f"trouble with {where}: {errtext.reason(error)}") from error
    raise UsageError(USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
