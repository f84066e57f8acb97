"""A program that is stopped, or refused by the system, at its Nth step that changes the disk.

The steps are the functions of smarthost/unix/files.py, which are wrapped from outside: the code
under test has no hooks. More steps can be named, for writes that a library makes.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from smarthost.unix import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = (
    "change_mode",
    "create_empty",
    "create_exclusive",
    "cut",
    "link",
    "open_append",
    "open_write",
    "rename",
    "set_times",
    "sync",
    "unlink",
    "write",
    "write_at",
    "write_parts",
)


class Stopped(BaseException):
    """The power is cut. No handler for errors may catch it."""


@contextmanager
def stop_at(
    number: int | None, error: int | None = None, more: tuple[tuple[Any, str], ...] = ()
) -> Iterator[list[str]]:
    """Count the steps inside; the one of that number, from 0, raises Stopped, or OSError(error).

    It is not carried out, and after Stopped no other is. The value is the list of names so far;
    `more` are further steps, (owner, attribute).
    """
    taken: list[str] = []
    stopped = False

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal stopped
            if stopped:
                raise Stopped
            taken.append(name)
            if len(taken) - 1 == number:
                if error is not None:
                    raise OSError(error, os.strerror(error))
                stopped = True
                raise Stopped
            return function(*arguments, **named)

        return step

    targets = [*((files, name) for name in STEPS), *more]
    kept = [(owner, name, getattr(owner, name)) for owner, name in targets]
    for owner, name, function in kept:
        setattr(owner, name, wrapped(name, function))
    try:
        yield taken
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)
