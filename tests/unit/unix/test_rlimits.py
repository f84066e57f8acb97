"""Resource limits as unsigned numbers."""

from __future__ import annotations

import errno
import resource
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from smarthost.unix import rlimits

if TYPE_CHECKING:
    from collections.abc import Callable


NUMBERS = [(-1, 2**64 - 1), (0, 0), (10, 10), (-(2**63), 2**63)]


def signed(_kind: int, limits: tuple[int, int]) -> None:
    """As Python before 3.14 takes numbers."""
    if max(limits) >= 2**63:
        raise OverflowError


def unsigned(_kind: int, limits: tuple[int, int]) -> None:
    """As Python 3.14 does."""
    if min(limits) < -1:
        raise ValueError("Cannot convert negative int")


@pytest.mark.parametrize(("shown", "number"), NUMBERS)
@pytest.mark.parametrize("takes", [signed, unsigned])
def test_numbers_are_unsigned(shown: int, number: int, takes: Callable[[int, tuple[int, int]], None]) -> None:
    hard = -1
    with mock.patch.object(resource, "getrlimit", return_value=(shown, hard)):
        assert rlimits.limits(rlimits.CORE) == (number, 2**64 - 1)
        with mock.patch.object(resource, "setrlimit", side_effect=takes) as setting:
            rlimits.set_soft(rlimits.CORE, number)
    kind, (soft, kept) = setting.call_args.args
    assert (kind, soft % 2**64, kept) == (rlimits.CORE, number, hard)


@pytest.mark.parametrize(("hard", "error"), [(5, errno.EINVAL), (50, errno.EPERM)])
def test_what_the_system_refuses_is_its_error(hard: int, error: int) -> None:
    with (
        mock.patch.object(resource, "getrlimit", return_value=(1, hard)),
        mock.patch.object(resource, "setrlimit", side_effect=ValueError),
        pytest.raises(OSError) as caught,
    ):
        rlimits.set_soft(rlimits.CORE, 10)
    assert caught.value.errno == error


def test_memory_in_use_is_at_least_an_interpreter() -> None:
    found = rlimits.in_use()
    assert found[rlimits.ADDRESS_SPACE] > found[rlimits.DATA] > 1_000_000


def test_memory_in_use_where_the_system_does_not_tell() -> None:
    with mock.patch("builtins.open", side_effect=FileNotFoundError):
        assert rlimits.in_use() == {}
