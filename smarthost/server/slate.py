"""What one connection could leave behind in a process that serves the next, and how it is wiped off.

A process that is used again must be what a new one would be. What can be set back is set back:
working directory, umask, signals, timers, descriptors, the variables of the program's modules. (The
environment is given to each connection whole: child.py.)
What cannot (identity, limits, threads, children still running) is compared, and a process in
which it changed is not used again.
"""

from __future__ import annotations

import os
import resource
import sys

from smarthost.unix import fds, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

_LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})
_CONTAINERS = (list, dict, set)
_STDERR = 2


class Memory:
    """What a program's modules and their classes name, and what their lists, dicts and sets hold.

    Its modules are its own, those that it names, and what they name: the others that a server has loaded do
    not exist for it. Made by a server before it forks: each look at a value writes its reference count, and
    what a worker writes it no longer shares.
    """

    def __init__(self, program: Iterable[str]) -> None:
        self._modules = [*sys.modules]
        self._names = list(_names_of(sys.modules[name] for name in reach(program)))
        self._contents = [
            (value, value.copy())
            for _, _, names in self._names
            for name, value in names.items()
            if type(value) in _CONTAINERS and name != "__builtins__"
        ]

    def set_back(self) -> None:
        """It runs for every connection, so what did not change costs one comparison."""
        if [*sys.modules] != self._modules:
            for name in sys.modules.keys() - set(self._modules):
                if _ours(name):  # nobody knows what it was before the connection that loaded it
                    del sys.modules[name]
            self._modules = [*sys.modules]
        for owner, now, names in self._names:
            if now != names:
                _set_names(owner, names)
        for container, contents in self._contents:
            if container != contents:
                container.clear()
                getattr(container, "extend" if isinstance(container, list) else "update")(contents)


class Slate:
    """The state of this process as it was when this was made. `keep`: descriptors that belong to it."""

    def __init__(self, keep: Iterable[int], memory: Memory) -> None:
        self._memory = memory
        self._umask = os.umask(0)
        os.umask(self._umask)
        self._directory = _directory()
        self._stderr = fds.high(os.dup(_STDERR))
        self._others = fds.Others({*keep, 0, 1, 2, self._stderr})
        self._signals = signals.state()
        self._fixed = _fixed()
        self._path = list(sys.path)

    def wipe(self) -> bool:
        """Set everything back. False if something changed that cannot be: then do not use this process."""
        self._others.close()
        os.dup2(self._stderr, _STDERR)
        if _directory() != self._directory:
            try:
                os.chdir(self._directory)
            except OSError:
                return False
        signals.restore(self._signals)
        os.umask(self._umask)
        self._memory.set_back()
        sys.path[:] = self._path
        # Documented for specialised purposes, and this is one: threading.active_count() would cost its import.
        alone = len(sys._current_frames()) == 1  # noqa: SLF001
        return alone and _fixed() == self._fixed and not _has_children()


def reach(program: Iterable[str]) -> set[str]:
    """The loaded modules of ours that a program's modules come to by names: they, what they import, and so on."""
    found: set[str] = set()
    waiting = [*program]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named_by(sys.modules[name])
    return found


def _named_by(module: Any) -> Iterator[str]:
    for value in vars(module).values():
        # A module's own name, else that of the module which a function, a class or an object's class is from.
        name = value.__name__ if type(value) is type(sys) else getattr(value, "__module__", None)
        if isinstance(name, str) and _ours(name) and name in sys.modules:
            yield name


def _names_of(modules: Iterable[Any]) -> Iterator[tuple[object, Mapping[str, Any], dict[str, Any]]]:
    """Each module and each class defined in one, a view of its names, and what they are now."""
    for module in modules:
        yield module, vars(module), dict(vars(module))
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value, vars(value), dict(vars(value))


def _set_names(owner: object, names: dict[str, Any]) -> None:
    now = dict(vars(owner))
    for name in now.keys() - names.keys():
        delattr(owner, name)
    for name, value in names.items():
        if name not in now or now[name] is not value:
            setattr(owner, name, value)


def _ours(module: str) -> bool:
    return module.startswith("smarthost")


def _directory() -> bytes:
    """The working directory, nothing if it was removed. It need not be one that this user may enter."""
    try:
        return os.getcwdb()
    except OSError:
        return b""


def _fixed() -> tuple[Any, ...]:
    return (
        os.getresuid(),
        os.getresgid(),
        os.getgroups(),
        [resource.getrlimit(limit) for limit in _LIMITS],
    )


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
