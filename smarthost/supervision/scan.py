"""Which services does a directory name, and what are they called?

As svscan: every subdirectory, or link to one, whose name does not begin with a dot is a service.
Two names of one directory are one service.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smarthost.unix import errtext

if TYPE_CHECKING:
    from collections.abc import Iterator

Identity = tuple[int, int]

# What a name may hold to be typed at supervisorctl: `:` parts group from process, blanks part
# arguments, `*` means all of a group, and XML-RPC and the web page have their own ideas of the rest.
_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@=,~")


@dataclass(frozen=True, slots=True)
class Service:
    """name: as in the scanned directory; path: absolute; identity: device and inode; logged: it has log/."""

    name: bytes
    path: bytes
    identity: Identity
    logged: bool


@dataclass(frozen=True, slots=True)
class Unclear:
    """A name that could not be looked at, which is no proof that the service is gone."""

    name: bytes
    problem: str


def scan(directory: bytes) -> Iterator[Service | Unclear]:
    """What `directory` (absolute) holds, sorted by name. Raises OSError when it cannot be read.

    A link to nothing is neither: its service is gone.
    """
    for name in sorted(os.listdir(directory)):
        if name.startswith(b"."):
            continue
        path = directory + b"/" + name
        try:
            found = os.stat(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Unclear(name, f"unable to stat {os.fsdecode(name)}: {errtext.reason(error)}")
            continue
        if not stat.S_ISDIR(found.st_mode):
            continue
        try:
            os.stat(path + b"/log")
            logged = True
        except FileNotFoundError:
            logged = False
        except OSError as error:
            yield Unclear(name, f"unable to stat {os.fsdecode(name)}/log: {errtext.reason(error)}")
            continue
        yield Service(name, path, (found.st_dev, found.st_ino), logged)


def called(name: bytes) -> str:
    """What supervisorctl calls a service: the name, with % and two digits for what it cannot type."""
    if name == b"all":
        return "%61ll"  # supervisorctl stop all
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name)
