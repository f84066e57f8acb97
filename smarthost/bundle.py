"""A program's modules in one file, loaded at once: a start then looks for none of them, and opens no file for each.

A launcher names its bundle before it names its program (store/bundles.py makes both). What is not in it, or not any
more as it was when the bundle was made, Python imports as it always does; the bundle may be removed at any time.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import (
    MAGIC_NUMBER,  # importlib.util, which says the same, costs as much as is gained
)
from marshal import loads
from posix import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Final

    # Name, source, whether it is a package, the source's st_mtime_ns and st_size, code.
    Entry = tuple[str, str, bool, int, int, CodeType]

MAGIC: Final = MAGIC_NUMBER


def beside(launcher: str) -> str:
    """Where the bundle of a launcher is."""
    directory, slash, name = launcher.rpartition("/")
    return f"{directory}{slash}.bundles/{name}"


def read(path: str) -> list[Entry]:
    """What is in the bundle. Nothing if a source has changed since, or Python has, or there is no bundle."""
    try:
        with open(path, "rb", 0) as file:
            magic, entries = loads(file.read())  # noqa: S302  it is as much ours as the launcher is
        return entries if magic == MAGIC and all(map(_is_fresh, entries)) else []
    except (OSError, ValueError, EOFError, TypeError):
        return []


def load(path: str) -> None:
    """Import what is in the bundle."""
    modules = sys.modules
    make = type(sys)
    for name, source, is_package, _, _, code in read(path):
        if name in modules:
            continue
        module = make(name)
        parent, _, last = name.rpartition(".")
        module.__file__ = source
        module.__package__ = name if is_package else parent
        if is_package:
            module.__path__ = [source.rpartition("/")[0]]
        modules[name] = module
        exec(code, module.__dict__)  # noqa: S102  as an import does
        if parent:
            setattr(modules[parent], last, module)


def _is_fresh(entry: Entry) -> bool:
    found = stat(entry[1])
    return found.st_mtime_ns == entry[3] and found.st_size == entry[4]
