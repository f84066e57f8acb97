"""A user's home as mail sees it: whether it may be delivered to, and which .qmail file controls a delivery.

Who could write to either could say what becomes of the user's mail, and run programs as the user.
"""

from __future__ import annotations

import os
import stat

from smarthost.errors import Bounced, Deferred
from smarthost.policy.delivery import OWNER, OWNER_DEFAULT
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.policy.delivery import Delivery

# As the originals have it compiled in (conf-patrn): others may not write where they could steer mail.
FORBIDDEN: Final = 0o002
STICKY: Final = 0o1000
EXECUTABLE: Final = 0o100

# A list of two million addresses is smaller.
DOT_QMAIL_LIMIT: Final = 64 * 1024 * 1024


def enter(home: bytes) -> bool:
    """Make it this process's directory. Whether it is sticky: its user is at work there. Raises Deferred."""
    try:
        os.chdir(home)
    except OSError as error:
        raise Deferred(
            f"Unable to switch to {os.fsdecode(home)}: {errtext.reason(error)}. (#4.3.0)"
        ) from error
    try:
        mode = os.stat(b".").st_mode
    except OSError as error:
        raise Deferred(f"Unable to stat home directory: {errtext.reason(error)}. (#4.3.0)") from error
    if mode & FORBIDDEN:
        raise Deferred("Uh-oh: home directory is writable. (#4.7.0)")
    return bool(mode & STICKY)


class Control:
    """What controls a delivery: `content` of the .qmail file, whether it may only forward, and $DEFAULT."""

    __slots__ = ("content", "default", "forward_only")

    def __init__(self, content: bytes, default: bytes | None, *, forward_only: bool) -> None:
        self.content: Final = content
        self.default: Final = default
        self.forward_only: Final = forward_only


def control(delivery: Delivery) -> Control:
    """The first file that there is. Raises Deferred, and Bounced if there is none and the address needs one."""
    for file, default in delivery.files():
        try:
            descriptor = files.open_read(file)
        except OSError as error:
            if errtext.is_temporary(error) or isinstance(error, PermissionError):
                raise _unable_to_open(file, error) from error
            continue
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISREG(mode):
                if mode & FORBIDDEN:
                    raise Deferred("Uh-oh: .qmail file is writable. (#4.7.0)")
                return Control(_read(descriptor), default, forward_only=bool(mode & EXECUTABLE))
        finally:
            os.close(descriptor)
    if delivery.dash:
        raise Bounced("Sorry, no mailbox here by that name. (#5.1.1)")
    return Control(b"", None, forward_only=False)


def _read(descriptor: int) -> bytes:
    content = bytearray()
    try:
        for block in files.blocks(descriptor):
            content += block
            if len(content) > DOT_QMAIL_LIMIT:
                raise MemoryError
    except OSError:
        raise MemoryError from None  # in the original's words
    return bytes(content)


def forwarded_sender(delivery: Delivery) -> bytes:
    """The sender of what is forwarded: a list's owner, where there is one. Raises Deferred."""
    if delivery.may_have_owner and _exists(delivery.file + OWNER):
        return delivery.owner(per_recipient=_exists(delivery.file + OWNER_DEFAULT))
    return delivery.sender


def _exists(file: bytes) -> bool:
    try:
        os.stat(file)
    except OSError as error:
        if errtext.is_temporary(error):
            raise _unable_to_open(file, error) from error
        return False
    return True


def _unable_to_open(file: bytes, error: OSError) -> Deferred:
    return Deferred(f"Unable to open {os.fsdecode(file)}: {errtext.reason(error)}. (#4.3.0)")
