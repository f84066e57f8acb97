"""A compiled rules file, published so that a reader finds the old one or the new one, each whole.

It is written under a temporary name that the user gives, in the same file system, and takes the
place of the old one by rename, which is the commit point: what fails before it leaves the old file
as it was. The temporary file stays behind then, as the original leaves it, and the next attempt
writes over it. After a power cut the old file may be back, because the directory is not synced.
"""

from __future__ import annotations

import os

from smarthost.errors import Temporary
from smarthost.formats import cdb
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def publish(path: bytes, temporary: bytes, batches: Iterable[tuple[list[bytes], list[bytes]]]) -> None:
    """Make a cdb of lists of keys and of their data, and put it in place. Raises Temporary.

    What `batches` raises passes through and nothing is published; it raises no OSError.
    """
    name = os.fsdecode(temporary)
    try:
        descriptor = files.create_empty(temporary)
    except OSError as error:
        raise Temporary(f"unable to create {name}: {errtext.reason(error)}") from error
    try:
        try:
            maker = cdb.Maker(descriptor)
            for keys, data in batches:
                maker.add(keys, data)
            maker.finish()
            files.sync(descriptor)
        finally:
            os.close(descriptor)  # a network file system may say only here that there was no room
    except OSError as error:
        raise Temporary(f"unable to write to {name}: {errtext.reason(error)}") from error
    try:
        files.rename(temporary, path)
    except OSError as error:
        raise Temporary(f"unable to move {name} to {os.fsdecode(path)}: {errtext.reason(error)}") from error
