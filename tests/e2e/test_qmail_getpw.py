"""qmail-getpw with the accounts of this machine, and beside the original where that is.

Not tested: a home on a network file system that does not answer.
"""

from __future__ import annotations

import os
import pwd

import pytest

from smarthost.programs.qmail import qmail_getpw
from tests.support.originals import qmail_peer
from tests.support.run import Outcome, ours, run

ACCOUNTS = pwd.getpwall()


def lives_at_home(account: pwd.struct_passwd) -> bool:
    try:
        return os.stat(account.pw_dir).st_uid == account.pw_uid
    except OSError:
        return False


def both(local: str) -> Outcome:
    done = run([ours("qmail-getpw"), local], env={})
    if os.environ.get("QMAIL_PEER"):
        assert run([qmail_peer("qmail-getpw"), local], env={}) == done
    return done


def alias(local: str) -> Outcome:
    """What is answered for an address that is no account's."""
    try:
        account = pwd.getpwnam("alias")
    except KeyError:
        return Outcome(116, b"", b"")
    fields = ("alias", account.pw_uid, account.pw_gid, account.pw_dir, "-", local)
    return Outcome(0, "".join(f"{field}\0" for field in fields).encode(), b"")


@pytest.mark.parametrize("suffix", ["", "-", "-list", "-a-b", "+x"])
def test_every_kind_of_account(suffix: str) -> None:
    """Some live at home, some do not, and one is root."""
    kinds = {(bool(account.pw_uid), lives_at_home(account)): account for account in ACCOUNTS}
    for (is_user, is_at_home), account in kinds.items():
        local = account.pw_name.capitalize() + suffix
        if is_user and is_at_home and not suffix.startswith("+"):
            dash, ext = suffix[:1], suffix[1:]
            fields = (account.pw_name, account.pw_uid, account.pw_gid, account.pw_dir, dash, ext)
            assert both(local) == Outcome(0, "".join(f"{field}\0" for field in fields).encode(), b"")
        else:
            assert both(local) == alias(local)


@pytest.mark.parametrize("local", ["", "-", "--", "-x", "no such user", "a" * 40, "a" * 40 + "-b", "--help"])
def test_nobody(local: str) -> None:
    assert both(local) == alias(local)


def test_no_argument() -> None:
    assert run([ours("qmail-getpw")]) == Outcome(100, b"", b"")


class TestWithAccountsOfItsOwn:
    """What the machine may not have."""

    @pytest.fixture(autouse=True)
    def _accounts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The home of all is one that this process's user owns.
        uid, home = (os.getuid() or 1), "/nonexistent-home"
        accounts = {
            name: pwd.struct_passwd((name, "x", number, 100, "", home, ""))
            for name, number in {"joe": uid, "joe-list": uid, "root-like": 0, "stranger": uid + 1}.items()
        }
        self.asked: list[str] = []

        def look(name: str) -> pwd.struct_passwd | None:
            self.asked.append(name)
            return accounts.get(name)

        monkeypatch.setattr(qmail_getpw, "_account", look)
        monkeypatch.setattr(qmail_getpw, "_lives_at_home", lambda account: account.pw_uid == uid)

    @pytest.mark.parametrize(
        ("local", "name", "dash", "ext"),
        [
            (b"joe", "joe", b"", b""),
            (b"JOE-List", "joe-list", b"", b""),
            (b"joe-list-Owner", "joe-list", b"-", b"Owner"),
            (b"joe-Listx", "joe", b"-", b"Listx"),
            (b"joe-", "joe", b"-", b""),
            (b"joe--x", "joe", b"-", b"-x"),
        ],
    )
    def test_the_longest_name(self, local: bytes, name: str, dash: bytes, ext: bytes) -> None:
        found = qmail_getpw.owner_of(local)
        assert found is not None
        assert (found[0].pw_name, found[1], found[2]) == (name, dash, ext)

    @pytest.mark.parametrize("local", [b"root-like", b"stranger", b"stranger-x", b"joex", b"xjoe", b""])
    def test_nobody(self, local: bytes) -> None:
        assert qmail_getpw.owner_of(local) is None

    def test_a_name_that_is_too_long_is_not_asked_for(self) -> None:
        assert qmail_getpw.owner_of(b"joe-" + b"x" * 40) is not None
        assert self.asked == ["joe"]
        qmail_getpw.owner_of(b"x" * 31)
        qmail_getpw.owner_of(b"x" * 32)
        assert self.asked == ["joe", "x" * 31]
