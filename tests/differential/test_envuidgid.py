"""envuidgid beside the original. Not tested: accounts from elsewhere than the system's own list."""

from __future__ import annotations

import pwd

import pytest

from tests.support.chains import UNCHANGED, both

SHOW = ["/usr/bin/env", "-0"]


@pytest.mark.parametrize("account", ["nobody", "daemon", "root"])
@pytest.mark.parametrize("env", [{}, {"UID": "1", "GID": "2", "UIDS": "3"}, {"LC_ALL": "C"}])
def test_uid_and_gid(account: str, env: dict[str, str]) -> None:
    theirs, mine = both("envuidgid", [account, *SHOW], env=env)
    assert sorted(mine.stdout.split(b"\0")) == sorted(theirs.stdout.split(b"\0"))
    assert (mine.status, mine.stderr) == (0, b"")
    entry = pwd.getpwnam(account)
    assert {b"UID=%d" % entry.pw_uid, b"GID=%d" % entry.pw_gid} <= set(mine.stdout.split(b"\0"))


@pytest.mark.parametrize("child", [["id"], *UNCHANGED])
def test_nothing_else_is_changed(child: list[str]) -> None:
    theirs, mine = both("envuidgid", ["daemon", *child])
    assert mine == theirs
    assert mine.status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nobody"],
        ["no-such-account", "true"],
        ["", "true"],
        ["0", "true"],
        ["-x", "true"],
        [b"\xff", "true"],
        ["nobody", "no-such-program"],
        ["nobody", "/etc/passwd"],
        ["nobody", "sh", "-c", "exit 7"],
    ],
)
def test_arguments(arguments: list[str | bytes]) -> None:
    theirs, mine = both("envuidgid", arguments)
    assert mine == theirs
