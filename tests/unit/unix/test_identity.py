"""Accounts and giving power up. Not tested here: that it works as root, which the programs' tests show."""

from __future__ import annotations

import os
from unittest import mock

import pytest

from smarthost.unix import identity


def test_an_account_has_its_user_and_its_group() -> None:
    root = identity.of_account(b"root")
    assert repr(root) == "Identity(uid=0, gid=0)"


@pytest.mark.parametrize("name", [b"no such account", b"", b"ro\0ot", b"\xff"])
def test_an_unknown_account_is_none(name: bytes) -> None:
    assert identity.of_account(name) is None


def test_groups_go_before_the_user() -> None:
    calls = mock.Mock()
    with mock.patch.multiple(os, setgroups=calls.setgroups, setgid=calls.setgid, setuid=calls.setuid):
        identity.assume(identity.Identity(uid=7, gid=8))
    assert calls.mock_calls == [mock.call.setgroups([8]), mock.call.setgid(8), mock.call.setuid(7)]
