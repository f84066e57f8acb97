"""What does qmail-send say? The lines of qmail-log(5), byte for byte: programs read them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_SAFE: Final = bytes(
    byte if 33 <= byte <= 126 and byte != 0x25 else 0x2F if byte == 0x0A else 0x5F for byte in range(256)
)

EXITING: Final = b"status: exiting\n"
LOST_CLEAN: Final = b"alert: oh no! lost qmail-clean connection! dying...\n"
LOST_SPAWN: Final = b"alert: oh no! lost spawn connection! dying...\n"
NO_APPEND: Final = b"alert: unable to append to bounce message; HELP! sleeping...\n"
OUT_OF_RANGE: Final = b"warning: internal error: delivery report out of range\n"
NO_QUEUE_PROGRAM: Final = b"warning: unable to start qmail-queue, will try later\n"
NO_INJECTION: Final = b"warning: trouble injecting bounce message, will try later\n"
NO_HOME_AGAIN: Final = b"alert: unable to reread controls: unable to switch to home directory\n"
NO_QUEUE_AGAIN: Final = b"alert: unable to switch back to queue directory; HELP! sleeping...\n"

_CHANNELS: Final = (b"local", b"remote")


def safe(text: bytes) -> bytes:
    """What others chose, without blanks, per cent signs and bytes that a terminal would act on."""
    return text.translate(_SAFE)


def cannot_start(why: bytes) -> bytes:
    return b"alert: cannot start: %s\n" % why


def ending_for(why: bytes) -> bytes:
    """Not the original's, which goes on trying."""
    return b"alert: cannot go on: %s; dying...\n" % why


def no_directory(path: bytes) -> bytes:
    return b"alert: unable to opendir %s, sleeping...\n" % path


def no_rereading(control: bytes) -> bytes:
    return b"alert: unable to reread control/%s\n" % control


def warning(what: bytes) -> bytes:
    return b"warning: %s\n" % what


def no_cleaning(path: bytes) -> bytes:
    return b"warning: qmail-clean unable to clean up %s\n" % path


def status(running: Sequence[int], limits: Sequence[int], *, closing: bool) -> bytes:
    return b"status: local %d/%d remote %d/%d%s\n" % (
        running[0],
        limits[0],
        running[1],
        limits[1],
        b" exitasap" if closing else b"",
    )


def new(number: int) -> bytes:
    return b"new msg %d\n" % number


def info(number: int, size: int, sender: bytes, pid: int, uid: int) -> bytes:
    return b"info msg %d: bytes %d from <%s> qp %d uid %d\n" % (number, size, safe(sender), pid, uid)


def starting(delivery: int, number: int, channel: int, recipient: bytes) -> bytes:
    return b"starting delivery %d: msg %d to %s %s\n" % (
        delivery,
        number,
        _CHANNELS[channel],
        safe(recipient),
    )


def ended(delivery: int, how: bytes, report: bytes) -> bytes:
    """`how`: success, deferral or failure."""
    return b"delivery %d: %s: %s\n" % (delivery, how, safe(report))


def mangled(delivery: int) -> bytes:
    return b"delivery %d: report mangled, will defer\n" % delivery


def bounced(number: int, pid: int) -> bytes:
    return b"bounce msg %d qp %d\n" % (number, pid)


def triple(path: bytes) -> bytes:
    return b"triple bounce: discarding %s\n" % path


def end(number: int) -> bytes:
    return b"end msg %d\n" % number
