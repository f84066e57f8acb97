"""What a warm worker is wiped of. That it is wiped is tested with a real server (e2e/test_warm_workers.py)."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smarthost import launch
from smarthost.server.slate import reach
from tests import test_house as house

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = [
    ".".join(source.relative_to(house.ROOT).with_suffix("").parts)
    for source in house.sources("programs")
    if "\nREENTRANT: Final = True\n" in source.read_text()
]


def imported_when_run(node: ast.AST) -> Iterator[str]:
    """The modules of ours that are imported in it, but for the checker's sake."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.ImportFrom) and str(node.module).startswith("smarthost"):
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in sys.modules else str(node.module)
    for inner in ast.iter_child_nodes(node):
        yield from imported_when_run(inner)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_module_that_a_program_may_use_is_looked_at(program: str) -> None:
    """Also one that is imported only within a function."""
    late = launch.late(import_module(program))
    for name in late:
        import_module(name)
    found = reach([program, *late])
    for name in found:
        source = Path(str(sys.modules[name].__file__))
        assert set(imported_when_run(ast.parse(source.read_text()))) <= found, name
