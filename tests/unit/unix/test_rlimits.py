"""Resource limits as unsigned numbers."""

from __future__ import annotations

import errno
import resource
from unittest import mock

import pytest

from smarthost.unix import rlimits


@pytest.mark.parametrize(("shown", "number"), [(-1, 2**64 - 1), (0, 0), (10, 10), (-(2**63), 2**63)])
def test_numbers_are_unsigned(shown: int, number: int) -> None:
    with mock.patch.object(resource, "getrlimit", return_value=(shown, -1)):
        assert rlimits.limits(rlimits.CORE) == (number, 2**64 - 1)
        with mock.patch.object(resource, "setrlimit") as setting:
            rlimits.set_soft(rlimits.CORE, number)
    setting.assert_called_once_with(rlimits.CORE, (shown, -1))


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
