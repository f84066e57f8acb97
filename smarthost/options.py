"""How arguments are read: click, set up for exec chains.

Three of click's defaults are wrong for a chain and are changed here once: a usage error exits 2
(ours: 100), options are taken from after the first argument (`tcpserver 0 628 prog -v` would eat
the child's -v), and errors begin with "Error:". Options come out in the order they were given,
repeated ones too, because the originals' meaning depends on it (`softlimit -m 100 -d 200`).
"""

from __future__ import annotations

import os
from typing import Any

import click

from smarthost.errors import UsageError


class Number(click.ParamType[int]):
    """A whole number as the originals write it: digits and nothing else, at most `most`."""

    name = "number"

    def __init__(self, most: int = 2**64 - 1) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not (value.isascii() and value.isdigit()):
            self.fail(f"{value!r} is not a whole number", param, ctx)
        if len(value) > len(str(self.most)) + 20 or int(value) > self.most:
            self.fail(f"{value!r} is more than {self.most}", param, ctx)
        return int(value)


class Bytes(click.ParamType[bytes]):
    """Any bytes, as they stand in the argument."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:  # noqa: ARG002
        return os.fsencode(value)


def flag(letter: str) -> click.Option:
    return click.Option([f"-{letter}", _name(letter)], is_flag=True)


def value(letter: str, kind: click.ParamType[Any]) -> click.Option:
    return click.Option([f"-{letter}", _name(letter)], type=kind, multiple=True)


def _name(letter: str) -> str:
    # 1 is no name, and c is not C.
    return f"{'upper' if letter.isupper() else 'lower'}_{letter}"


class Chain:
    """The options of one link of an exec chain, and its usage line (without "NAME: usage: ")."""

    def __init__(self, usage: str, options: list[click.Option]) -> None:
        self.usage = usage
        self._letters = {option.name: option.opts[0][1:] for option in options}
        self._command = click.Command(
            None,
            params=list(options),
            add_help_option=False,
            context_settings={"allow_interspersed_args": False},
        )

    def parse(self, arguments: list[bytes]) -> tuple[list[tuple[str, Any]], list[bytes]]:
        """The options as (letter, value or True) in the order given, and what follows them.

        Raises UsageError for an option that does not exist, lacks its value or has a bad one.
        """
        context = click.Context(self._command, allow_interspersed_args=False)
        parser = self._command.make_parser(context)
        try:
            values, rest, order = parser.parse_args([os.fsdecode(argument) for argument in arguments])
            taken: list[tuple[str, Any]] = []
            for option in order:
                assert isinstance(option, click.Option)
                given = values[option.name]
                raw = given.pop(0) if isinstance(given, list) else given
                taken.append(
                    (
                        self._letters[option.name],
                        True if option.is_flag else option.type.convert(raw, option, context),
                    )
                )
        except click.NoSuchOption as error:
            raise UsageError(self.usage, f"illegal option -- {error.option_name.lstrip('-')}") from None
        except click.BadOptionUsage as error:
            raise UsageError(
                self.usage, f"option requires an argument -- {error.option_name.lstrip('-')}"
            ) from None
        except click.UsageError as error:
            letter = error.param.opts[0] if isinstance(error, click.BadParameter) and error.param else ""
            raise UsageError(self.usage, f"option {letter}: {error.message}") from None
        return taken, [os.fsencode(argument) for argument in rest]
