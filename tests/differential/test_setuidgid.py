"""setuidgid beside the original. Not tested: accounts from elsewhere than the system's own list."""

from __future__ import annotations

import os
import pwd

import pytest

from tests.support.originals import original
from tests.support.run import Outcome, ours, run

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may become another account")


def both(arguments: list[str], env: dict[str, str] | None = None) -> tuple[Outcome, Outcome]:
    return run([original("setuidgid"), *arguments], env=env), run([ours("setuidgid"), *arguments], env=env)


@as_root
@pytest.mark.parametrize("account", ["nobody", "daemon", "root"])
def test_user_group_and_groups(account: str) -> None:
    theirs, mine = both([account, "id"])
    assert mine == theirs
    entry = pwd.getpwnam(account)
    assert b"uid=%d(" % entry.pw_uid in mine.stdout
    assert mine.stdout.endswith(b"groups=%d(%s)\n" % (entry.pw_gid, mine.stdout.split(b"(")[-1][:-2]))


@as_root
def test_there_is_no_way_back() -> None:
    """The saved ids are given up too: uid and gid stand four times each."""
    for outcome in both(["daemon", "grep", "-E", "^(Uid|Gid|Groups)", "/proc/self/status"]):
        assert outcome.stdout.split() == [b"Uid:", *[b"1"] * 4, b"Gid:", *[b"1"] * 4, b"Groups:", b"1"]


@as_root
@pytest.mark.parametrize(
    "child", [["grep", "-E", "^(Sig[BIC]|Shd)", "/proc/self/status"], ["ls", "/proc/self/fd"]]
)
def test_signals_and_descriptors_are_what_they_were(child: list[str]) -> None:
    theirs, mine = both(["daemon", *child])
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
        pytest.param(["nobody", "no-such-program"], marks=as_root),
        pytest.param(["nobody", "/etc/passwd"], marks=as_root),
        pytest.param(["nobody", "sh", "-c", "exit 7"], marks=as_root),
        pytest.param(["nobody", "env"], marks=as_root),
    ],
)
def test_arguments(arguments: list[str]) -> None:
    theirs, mine = both(arguments)
    assert mine == theirs


def test_without_the_right_to_change() -> None:
    """Root has it by a capability, which is taken away first."""
    first = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    if first and run([*first, "true"]).status != 0:
        pytest.skip("root cannot give capabilities up here")
    outcomes = [
        run([*first, program, "daemon", "true"]) for program in (original("setuidgid"), ours("setuidgid"))
    ]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == Outcome(111, b"", b"setuidgid: fatal: unable to setgid: permission denied\n")
