"""A tree's files, made or made whole again without touching what its administrator changed.

Three kinds of files, three ways to know:
defaults   (control files, rules, scripts) are copied if nothing has that name; later only over a
           file that is still as it was copied, which the record of a digest for each says
launchers  are replaced only by newer launchers: what is not one of ours was put there on purpose
links      to services are made if nothing has that name, and in the first deployment only
"""

from __future__ import annotations

import hashlib
import os
import sys

from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# What Linux before 5.1 reads of a first line, with the two characters that make it one.
SHEBANG_LIMIT: Final = 127
OURS: Final = b"\nfrom smarthost.programs."

# The administrator's programs that are about one home, and belong into its bin/.
OF_ADMINISTRATORS: Final = (b"qmail_queuectl",)

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


def programs() -> Iterator[tuple[bytes, bytes]]:
    """Name and module of each program that a home's bin/ holds."""
    for family in (b"daemontools", b"qmail", b"ucspi"):
        for file in sorted(os.listdir(PACKAGE + b"/programs/" + family)):
            module, suffix = os.path.splitext(file)
            if suffix == b".py" and not module.startswith(b"_"):
                # A name that is Python's own has a line under its end.
                name = module.rstrip(b"_").replace(b"_", b"-")
                yield name, b"smarthost.programs." + family + b"." + module
    for module in OF_ADMINISTRATORS:
        yield module.replace(b"_", b"-"), b"smarthost.programs.admin." + module


def launcher(module: bytes) -> bytes:
    """The text of a launcher that starts in a fifth of the usual time, for what runs per message.

    -S leaves out site, which looks through every installed package's .pth files, and -I the user's
    directories and PYTHON*: so the two places that are needed are named. Its last lines are those
    of bin/'s, by which tcpserver knows a program of ours.
    """
    python = os.fsencode(sys.executable)
    first = b"#!" + python + b" -IS\n"
    if len(first) > SHEBANG_LIMIT or any(blank in python for blank in b" \t\n"):
        # A shell starts it then: to Python the two lines are a string.
        first = b"#!/bin/sh\n'''exec' '%s' -IS \"$0\" \"$@\"\n' '''\n" % python.replace(b"'", b"'\"'\"'")
    places = [os.fsdecode(place) for place in _places()]
    return b"%simport sys\n\nsys.path += %s\nfrom %s import main\n\nraise SystemExit(main())\n" % (
        first,
        ascii(places).encode(),
        module,
    )


def _places() -> Iterator[bytes]:
    """Where smarthost is, and where the libraries are that it uses."""
    ours = os.path.dirname(PACKAGE)
    yield ours
    import sysconfig  # noqa: PLC0415 - slow, and only a deployment asks

    for kind in ("purelib", "platlib"):
        place = os.fsencode(sysconfig.get_path(kind))
        if place != ours:
            yield place
            ours = place


def refresh_launcher(path: bytes, module: bytes) -> None:
    """Make the launcher, or make it anew after Python or smarthost moved; leave what is none of ours."""
    text = launcher(module)
    if os.path.lexists(path):
        if os.path.islink(path) or not os.path.isfile(path):
            return
        with open(path, "rb") as there:
            content = there.read()
        if content == text or OURS not in content:
            return
    write(path, text, 0o755)
