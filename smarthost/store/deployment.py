"""Laying out a tree that an administrator owns from then on: what is there already stays.

Each function says what it found: MADE now, SAME as it would be made, or KEPT because somebody
wanted something else. Run again, they change nothing.
"""

from __future__ import annotations

import errno
import os
import sys

from smarthost.errors import FormatError
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MADE: Final = "made"
SAME: Final = "same"
KEPT: Final = "kept"

# The kernel reads no more of a script's first line (BINPRM_BUF_SIZE before Linux 5.1).
FIRST_LINE_LIMIT: Final = 127


def directory(path: bytes, mode: int = 0o755) -> str:
    """A directory that everybody may enter, with those above it."""
    if os.path.isdir(path):
        return SAME
    above = os.path.dirname(path)
    if above and not os.path.isdir(above):
        directory(above, mode)
    os.mkdir(path)
    files.change_mode(path, mode)  # whatever the umask says
    return MADE


def file(path: bytes, content: bytes, mode: int = 0o644) -> str:
    """A file that appears whole or not at all."""
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        put(path, content, mode)
        return MADE
    try:
        return SAME if b"".join(files.blocks(descriptor)) == content else KEPT
    finally:
        os.close(descriptor)


def put(path: bytes, content: bytes, mode: int = 0o644) -> None:
    """Put the file there in place of what may be there. The commit point is the rename.

    Raises OSError; a file of that name is then as it was.
    """
    above, name = os.path.split(path)
    draft = b"%b/.%b.new.%d" % (above or b".", name, os.getpid())
    descriptor = files.create_empty(draft)
    try:
        try:
            files.change_mode(descriptor, mode)  # whatever the umask says
            files.write_all(descriptor, content)
            files.sync(descriptor)
        finally:
            os.close(descriptor)
        files.rename(draft, path)
    except OSError:
        files.unlink_if_possible(draft)
        raise
    files.sync_directory(above or b".")


def link(path: bytes, target: bytes) -> str:
    """A symbolic link."""
    try:
        os.symlink(target, path)
    except FileExistsError:
        try:
            return SAME if os.readlink(path) == target else KEPT
        except OSError as error:
            if error.errno != errno.EINVAL:  # which says that it is no link
                raise
            return KEPT
    return MADE


def launcher(module: str, interpreter: bytes | None = None) -> bytes:
    """A program's launcher that does without the site module, which takes longer than all the rest.

    `module` is the program's (smarthost.programs.qmail.forward); the interpreter is this one. Raises
    FormatError where the interpreter's path cannot stand in a script's first line.
    """
    started = os.fsencode(os.path.realpath(sys.executable)) if interpreter is None else interpreter
    first = b"#!" + started + b" -IS"
    if len(first) > FIRST_LINE_LIMIT or len(started.split()) != 1:
        raise FormatError(f"the interpreter's path cannot begin a script: {os.fsdecode(started)}")
    return b"%b\nimport sys\n\nsys.path[:0] = %b\nfrom %b import main\n\nraise SystemExit(main())\n" % (
        first,
        repr(_places()).encode(),
        module.encode(),
    )


def is_launcher_of(path: bytes, module: str) -> bool:
    """Whether the file is a launcher of that program, perhaps for another interpreter."""
    try:
        descriptor = files.open_read(path)
    except OSError:
        return False
    try:
        content = os.read(descriptor, files.BLOCK)
    finally:
        os.close(descriptor)
    return content.startswith(b"#!") and content.endswith(
        b"\nfrom %b import main\n\nraise SystemExit(main())\n" % module.encode()
    )


def package_directory() -> str:
    """Where the package lies: site-packages, or a checkout."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _places() -> list[str]:
    """Where a launcher finds the package and what it depends on."""
    import sysconfig  # noqa: PLC0415 - only who lays out a tree asks

    places = [package_directory(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return list(dict.fromkeys(places))
