"""maildir2mbox: move mail from a maildir to an mbox.

Reads   every message in new/ and cur/ of the maildir $MAILDIR, oldest first, and the mbox $MAIL
Writes  $MAILTMP: the old mbox and the messages after it, which then takes the place of $MAIL
Exits   0, also when there was nothing to move; 111 when something failed. Before $MAILTMP has its
        new name nothing has changed; after it a message that cannot be removed is only warned of
Differs a last line without a newline is kept and gets one (the original drops it);
        an mbox whose last line has no newline gets one before the first message;
        two may run at a time: the lock is taken again if $MAIL was replaced while waiting for it;
        messages are removed only when the new name is known to be on the disk
"""

from __future__ import annotations

import fcntl
import os
import time

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.formats import mbox
from smarthost.store import maildir
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

NAME = "maildir2mbox"


def _failed(doing: str, error: OSError) -> Temporary:
    return Temporary(f"unable to {doing}: {errtext.reason(error)}")


def _named(variable: str) -> bytes:
    value = os.environb.get(variable.encode())
    if value is None:
        raise Temporary(f"{variable} not set")
    return value


def _is_called(descriptor: int, path: bytes) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(mail: bytes) -> int:
    """A descriptor that holds the lock of the file that is now called `mail`; it is made if missing."""
    try:
        while True:
            descriptor = files.open_append(mail)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_called(descriptor, mail):
                return descriptor
            os.close(descriptor)
    except OSError as error:
        raise _failed(f"lock {os.fsdecode(mail)}", error) from error


class _Draft:
    """The new mbox while it is written. Its name, for the last words."""

    def __init__(self, path: bytes, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream

    def add(self, data: bytes) -> None:
        try:
            self._stream.write(data)
        except OSError as error:
            raise self.failed(error) from error

    def failed(self, error: OSError) -> Temporary:
        return _failed(f"write to {os.fsdecode(self._path)}", error)


def _copy_old(mail: bytes, draft: _Draft) -> None:
    last = b"\n"
    try:
        descriptor = files.open_read(mail)
        try:
            for block in files.blocks(descriptor):
                draft.add(block)
                last = block
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _failed(f"read {os.fsdecode(mail)}", error) from error
    if not last.endswith(b"\n"):
        draft.add(b"\n")


def _copy_message(stream: BinaryIO, arrived: int, draft: _Draft) -> None:
    """One message, a line at a time. Raises OSError when it cannot be read."""
    line = stream.readline()
    draft.add(mbox.from_line(line, arrived))
    while line:
        draft.add(mbox.quoted(line))
        if not line.endswith(b"\n"):
            draft.add(b"\n")
        line = stream.readline()
    draft.add(mbox.SEPARATOR)


def _write(mail: bytes, mailtmp: bytes, messages: list[tuple[int, bytes]]) -> None:
    try:
        stream = open(files.create_empty(mailtmp), "wb", files.BLOCK)
    except OSError as error:
        raise _failed(f"create {os.fsdecode(mailtmp)}", error) from error
    draft = _Draft(mailtmp, stream)
    try:
        _copy_old(mail, draft)
        for arrived, name in messages:
            try:
                with files.stream(name) as message:
                    _copy_message(message, arrived, draft)
            except OSError as error:
                raise _failed(f"read $MAILDIR/{os.fsdecode(name)}", error) from error
        try:
            stream.flush()
            files.sync(stream.fileno())
            stream.close()
        except OSError as error:
            raise draft.failed(error) from error
    finally:
        # After a failure this writes what is left once more, and fails once more.
        try:
            stream.close()
        except OSError:
            pass


def _publish(mailtmp: bytes, mail: bytes) -> None:
    """The commit point is the directory's fsync: from here on the messages are in the mbox."""
    try:
        files.rename(mailtmp, mail)
        files.sync_directory(os.path.dirname(mail) or b".")
    except OSError as error:
        raise _failed(f"move {os.fsdecode(mailtmp)} to {os.fsdecode(mail)}", error) from error


def body(_arguments: list[bytes]) -> int:
    os.umask(0o077)
    mail, mailtmp = _named("MAIL"), _named("MAILTMP")
    maildir.enter(os.environb)
    now = time.time()
    maildir.sweep(now)
    messages = maildir.waiting((b"new", b"cur"), now)
    if not messages:
        return 0
    lock = _lock(mail)
    try:
        _write(mail, mailtmp, messages)
        _publish(mailtmp, mail)
        for _, name in messages:
            try:
                files.unlink(name)
            except OSError as error:
                ending.warn(
                    NAME,
                    f"$MAILDIR/{os.fsdecode(name)} will be delivered twice; unable to unlink: {errtext.reason(error)}",
                )
    finally:
        os.close(lock)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
