"""A tree's files, made or made whole again without touching what its administrator changed.

Three kinds of files, three ways to know:
defaults   (control files, rules, scripts) are copied if nothing has that name; later only over a
           file that is still as it was copied, which the record of a digest for each says
launchers  are replaced only by newer launchers (launchers.py)
links      to services are made if nothing has that name, and in the first deployment only
"""

from __future__ import annotations

import hashlib
import os
import sys

from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(os.fsencode(__file__))))


def defaults() -> bytes:
    """The directory that holds service/, control/ and tcprules/: the checkout, else where pip put them."""
    checkout = os.path.dirname(PACKAGE)
    if os.path.isdir(checkout + b"/service"):
        return checkout
    usual = os.fsencode(sys.prefix) + b"/share/smarthost"
    return usual if os.path.isdir(usual) else _installed_defaults() or usual


def _installed_defaults() -> bytes | None:
    """What pip has written down: outside a virtual environment it is /usr/local on Debian, or the user's own place."""
    from importlib.metadata import files as files_of_package  # noqa: PLC0415 - slower than all the rest

    for file in files_of_package("smarthost") or ():
        if file.match("share/smarthost/service/supervisord.conf"):
            return os.fsencode(os.path.dirname(os.path.dirname(os.path.abspath(str(file.locate())))))
    return None


def directory(path: bytes, mode: int = 0o755, owner: tuple[int, int] | None = None) -> bool:
    """Make it, with its parents. Whether it was missing; what is there stays as it is."""
    if os.path.isdir(path):
        return False
    parent = os.path.dirname(path)
    if parent != path:
        directory(parent)
    try:
        os.mkdir(path)
    except FileExistsError:
        if os.path.isdir(path):  # another deployment was faster
            return False
        raise
    files.change_mode(path, mode)  # whatever the umask says
    if owner is not None:
        os.chown(path, *owner)
    return True


def write(path: bytes, content: bytes, mode: int = 0o644) -> None:
    """Put a file there, whole or not at all."""
    draft = path + b".new.%d" % os.getpid()
    descriptor = files.create_empty(draft, mode)
    try:
        try:
            files.change_mode(descriptor, mode)
            files.write_all(descriptor, content)
            files.sync(descriptor)
        finally:
            os.close(descriptor)
        files.rename(draft, path)
    except OSError:
        files.unlink_if_possible(draft)
        raise


def write_missing(path: bytes, content: bytes, mode: int = 0o644) -> bool:
    """Write it unless something, if only a dangling link, has that name. Whether it was written."""
    if os.path.lexists(path):
        return False
    write(path, content, mode)
    return True


class Record:
    """What was copied into a tree: a line for each file, with its digest and its path from the record's own.

    Of a file that is not in the record, such as one of another tool's, nothing is known: it stays.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._digests: dict[bytes, bytes] = {}
        self._written: bytes | None = None
        try:
            with open(path, "rb") as record:
                self._written = record.read()
        except FileNotFoundError:
            return
        for line in self._written.splitlines():
            digest, _, name = line.partition(b" ")
            self._digests[name] = digest

    def copy(self, source: bytes, target: bytes) -> bool:
        """Copy a default, with its mode's x bits, unless the target is somebody else's. Whether it was copied."""
        with open(source, "rb") as default:
            mode = 0o755 if os.fstat(default.fileno()).st_mode & 0o111 else 0o644
            content = default.read()
        return self.put(content, target, mode)

    def put(self, content: bytes, target: bytes, mode: int = 0o644) -> bool:
        """The same for what is made and not copied."""
        name, present = self._name(target), None
        if os.path.lexists(target):
            if os.path.islink(target) or not os.path.isfile(target):
                return False
            with open(target, "rb") as there:
                present = there.read()
            if present != content and _digest(present) != self._digests.get(name):
                return False
        if present != content:
            write(target, content, mode)
        # Also of what was there: a deployment that was cut off made it, and did not come to its record.
        self._digests[name] = _digest(content)
        return present != content

    def _name(self, target: bytes) -> bytes:
        return os.path.relpath(target, os.path.dirname(self._path))

    def save(self) -> None:
        """Write it, if there is anything new: what is whole needs no room on a full disk."""
        text = b"".join(b"%s %s\n" % (digest, name) for name, digest in sorted(self._digests.items()))
        if text == self._written:
            return
        directory(os.path.dirname(self._path))
        write(self._path, text)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def link_missing(source: bytes, target: bytes) -> bool:
    if os.path.lexists(target):
        return False
    os.symlink(source, target)
    return True
