"""Which modules does a program load at its start? They are put into one file (bundle.py) beside its launcher."""

from __future__ import annotations

import ast
import marshal
import os

from smarthost import bundle
from smarthost.store.deployment import PACKAGE, directory, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

ROOT: Final = os.path.basename(os.fsdecode(PACKAGE))


def put(path: bytes, module: str) -> None:
    """Write the bundle of the program `module`, unless it is there. Raises OSError."""
    names = closure(module)
    if [entry[0] for entry in bundle.read(os.fsdecode(path))] != names:
        directory(os.path.dirname(path))
        write(path, marshal.dumps((bundle.MAGIC, [_entry(name) for name in names])))


def closure(module: str) -> list[str]:
    """What the import of `module` loads of ours, each after what itself imports.

    Only what stands at the top of a module: an import in a function may never come, and one that is for
    the type checker never does.
    """
    seen: dict[str, None] = {}
    order: list[str] = []

    def visit(name: str) -> None:
        if name in seen or not _file(name):
            return
        seen[name] = None
        visit(name.rpartition(".")[0])
        for imported in _imported(name):
            visit(imported)
        order.append(name)

    visit(module)
    return order


def _imported(name: str) -> Iterator[str]:
    """Every name that may be a module of ours."""
    for statement in ast.parse(_source(name)).body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.name
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            for alias in statement.names:
                yield f"{statement.module}.{alias.name}"


def _file(name: str) -> str:
    """Empty for what is no module of ours."""
    first, *rest = name.split(".")
    if first != ROOT:
        return ""
    path = os.path.join(os.fsdecode(PACKAGE), *rest)
    found = [file for file in (path + "/__init__.py", path + ".py") if os.path.isfile(file)]
    return found[0] if found else ""


def _source(name: str) -> bytes:
    with open(_file(name), "rb") as file:
        return file.read()


def _entry(name: str) -> bundle.Entry:
    file = _file(name)
    state = os.stat(file)
    code = compile(_source(name), file, "exec", dont_inherit=True)
    return name, file, file.endswith("/__init__.py"), state.st_mtime_ns, state.st_size, code
