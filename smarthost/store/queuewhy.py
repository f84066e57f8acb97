"""Why is a message still in the queue? `why/N`: for each recipient that was deferred last, what was said.

    local carolyn@example.org<tab>text

qmail keeps that in its log alone. It is a convenience for who looks at the queue: replaced by a rename so that
it is whole, not synced, bounded, and without the directory not written. No function here fails.
"""

from __future__ import annotations

import os

from smarthost.formats import queuefiles
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DIRECTORY: Final = b"why"

# A message may have any number of recipients, and a server may say anything.
RECIPIENTS_LIMIT: Final = 100
TEXT_LIMIT: Final = 500
_SIZE_LIMIT: Final = RECIPIENTS_LIMIT * (TEXT_LIMIT + 1100)

_ONE_LINE: Final = bytes(byte if byte not in b"\n\t\r" else 0x20 for byte in range(256))


def deferred(number: int, channel: int, recipient: bytes, text: bytes) -> None:
    """Remember what was said last."""
    said = text.rstrip(b"\n").translate(_ONE_LINE)[:TEXT_LIMIT]
    key = _key(channel, recipient)
    lines = [line for line in _lines(number) if not line.startswith(key)]
    _replace(number, [*lines[-RECIPIENTS_LIMIT + 1 :], key + said])


def done(number: int, channel: int, recipient: bytes) -> None:
    """This recipient is not waiting any more."""
    before = _lines(number)
    if before:
        key = _key(channel, recipient)
        after = [line for line in before if not line.startswith(key)]
        if after != before:
            _replace(number, after)


def forget(number: int) -> None:
    """The message is about to be removed."""
    files.unlink_if_possible(_path(number))


def _path(number: int) -> bytes:
    return b"%s/%d" % (DIRECTORY, number)


def _key(channel: int, recipient: bytes) -> bytes:
    return b"%s %s\t" % (queuefiles.CHANNEL_NAMES[channel], recipient.translate(_ONE_LINE))


def _lines(number: int) -> list[bytes]:
    try:
        descriptor = files.open_read(_path(number))
    except OSError:
        return []
    try:
        return os.read(descriptor, _SIZE_LIMIT).split(b"\n")[:-1]
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _replace(number: int, lines: list[bytes]) -> None:
    path = _path(number)
    if not lines:
        files.unlink_if_possible(path)
        return
    draft = path + b".new"
    try:
        descriptor = files.create_empty(draft, 0o600)
    except OSError:
        return
    try:
        files.write_all(descriptor, b"".join([line + b"\n" for line in lines]))
        files.rename(draft, path)
    except OSError:
        files.unlink_if_possible(draft)
    finally:
        os.close(descriptor)
