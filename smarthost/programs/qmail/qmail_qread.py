"""qmail-qread: list the messages that wait in the queue, and their recipients.

Reads   queue/{info,mess,local,remote,bounce} of the home
Writes  on descriptor 1: for each message that qmail-send has looked at, when it came, its number, its size, its
        sender, "bouncing" if some recipient failed; a line for each recipient, those that are done marked
Exits   0; 111 when the queue cannot be entered or read. What goes wrong it says on descriptor 1 too
Differs the home is $QMAILHOME, else the one that the program lies in; the number of directories in the queue is
        counted, not compiled in; a lone --help or --version is answered
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.formats import received
from smarthost.store import spool
from smarthost.store.home import qmail_home
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

NAME: Final = "qmail-qread"

# What the original shows instead of a byte that is no text.
_SHOWN: Final = bytes(byte if 32 <= byte <= 126 else 0x5F for byte in range(256))

GATHERED: Final = 1 << 16
BLOCK: Final = 4096


class _Dead(Exception):
    """The end of it; what is said is said."""


def body(_arguments: list[bytes]) -> int:
    signals.uncatch(signals.SIGPIPE)
    gathered = bytearray()
    status = 0
    try:
        for line in listing(qmail_home()):
            gathered += line
            if len(gathered) >= GATHERED:
                files.write_all(ending.STDOUT, gathered)
                gathered.clear()
    except _Dead as dead:
        gathered += os.fsencode(str(dead))
        status = 111
    files.write_all(ending.STDOUT, gathered)
    return status


def listing(home: bytes) -> Iterator[bytes]:
    """The lines. Raises _Dead."""
    try:
        os.chdir(home)
        os.chdir(b"queue")
    except OSError as error:
        raise _Dead(f"fatal: unable to chdir: {errtext.reason(error)}\n") from None
    try:
        split = spool.split_of(b".")
    except OSError as error:
        raise _Dead(f"fatal: unable to opendir mess: {errtext.reason(error)}\n") from None
    for part in range(split):
        directory = b"info/%d" % part
        try:
            entries = os.scandir(directory)
        except OSError as error:
            raise _Dead(f"fatal: unable to opendir {directory.decode()}: {errtext.reason(error)}\n") from None
        with entries:
            for entry in entries:
                if entry.name.isdigit():
                    number = int(entry.name)
                    yield from _message(number, b"%d/%d" % (number % split, number))


def _message(number: int, place: bytes) -> Iterator[bytes]:
    try:
        size = os.stat(b"mess/" + place).st_size
        bouncing = b" bouncing" if os.path.exists(b"bounce/%d" % number) else b""
        descriptor = files.open_read(b"info/" + place)
    except OSError as error:
        yield _trouble(number, error)
        return
    try:
        sender = _read(descriptor).partition(b"\0")[0][1:]
        came = received.date(int(os.fstat(descriptor).st_mtime))
    finally:
        os.close(descriptor)
    zone = len(b" -0000")
    text = b"%s GMT  #%d  %d  <%s> %s" % (came[:-zone], number, size, sender, bouncing)
    yield text.translate(_SHOWN) + b"\n"
    for channel in (b"local", b"remote"):
        try:
            descriptor = files.open_read(channel + b"/" + place)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield _trouble(number, error)
            continue
        try:
            yield from _recipients(channel, descriptor)
        finally:
            os.close(descriptor)


def _recipients(channel: bytes, descriptor: int) -> Iterator[bytes]:
    rest = b""
    while block := _read(descriptor):
        *records, rest = (rest + block).split(b"\0")
        for record in records:
            if record[:1] in (b"D", b"T"):
                done = b"  done" if record[:1] == b"D" else b""
                yield b"%s\t%s\t%s\n" % (done, channel, record[1:].translate(_SHOWN))


def _read(descriptor: int) -> bytes:
    """The original takes whatever goes wrong while it reads for a lack of memory."""
    try:
        return os.read(descriptor, BLOCK)
    except OSError:
        raise _Dead("fatal: out of memory\n") from None


def _trouble(number: int, error: OSError) -> bytes:
    return os.fsencode(f"warning: trouble with #{number}: {errtext.reason(error)}\n")


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
