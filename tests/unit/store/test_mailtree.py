"""What a tree needs for its mail. Not tested: a system's queue, whose accounts a test has no right to make."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.store import mailtree
from smarthost.unix.identity import Identity
from tests.support.homes import make_home

if TYPE_CHECKING:
    from pathlib import Path

ME = Identity(os.geteuid(), os.getegid())


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
def test_a_systems_queue_has_qmails_owners(tmp_path: Path) -> None:
    uids = {b"qmailq": 54001, b"qmails": 54002, b"qmailr": 54003}
    accounts = {name: Identity(uid, 54000) for name, uid in uids.items()}
    (tmp_path / ".queue.new/half").mkdir(parents=True)
    mailtree.make_system_queue(os.fsencode(tmp_path), accounts)
    assert os.listdir(tmp_path) == ["queue"]
    owners = {
        "": b"qmailq",
        **dict.fromkeys(("pid", "intd", "todo", "mess", "mess/7", "lock"), b"qmailq"),
        **dict.fromkeys(("bounce", "info", "info/7", "local/7", "remote/7"), b"qmails"),
        **dict.fromkeys(("orders", "hold", "why", "lock/sendmutex", "lock/trigger"), b"qmails"),
        "lock/tcpto": b"qmailr",
    }
    for name, owner in owners.items():
        status = (tmp_path / "queue" / name).stat()
        assert (status.st_uid, status.st_gid) == (uids[owner], 54000), name


def test_a_queue_of_qmails_gets_what_it_lacks(tmp_path: Path) -> None:
    queue = make_home(tmp_path) / "queue"
    for name in ("orders", "hold", "why"):
        (queue / name).rmdir()
    if os.geteuid() == 0:
        os.chown(queue / "info", 54002, 54000)
    mailtree.add_to_queue(os.fsencode(queue))
    mailtree.add_to_queue(os.fsencode(queue))
    for name in ("orders", "hold", "why"):
        assert (queue / name).stat().st_mode & 0o777 == 0o700
        assert (queue / name).stat().st_uid == (queue / "info").stat().st_uid


def test_every_address_is_the_one_accounts() -> None:
    assert mailtree.assignments(b"joe", Identity(1, 2), b"/a b") == b"+:joe:1:2:/a b:-::\n.\n"


def test_nullmailers_files_are_linked_also_before_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailname = tmp_path / "mailname"
    monkeypatch.setattr(mailtree, "MAILNAME", os.fsencode(mailname))
    directory = os.fsencode(tmp_path)
    links = dict(mailtree.nullmailer_links(directory))
    assert links[b"remotes"] == directory + b"/remotes"
    assert links[b"me"] == directory + b"/me"
    assert b"concurrencyqmqp" not in links
    mailname.write_text("host.example.com\n")  # where Debian's has it
    assert dict(mailtree.nullmailer_links(directory))[b"me"] == os.fsencode(mailname)
    assert mailtree.host_name() == b"host.example.com"
    mailname.unlink()
    assert mailtree.host_name() == os.fsencode(os.uname().nodename)


def test_a_maildir_is_made_once(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "Maildir")
    assert mailtree.make_maildir(path, None)
    assert sorted(os.listdir(path)) == [b"cur", b"new", b"tmp"]
    assert not mailtree.make_maildir(path, None)


@pytest.mark.parametrize(
    ("mode", "who", "may"),
    [
        (0o600, ME, True),
        (0o040, ME, False),
        (0o640, Identity(54321, ME.gid), True),
        (0o604, Identity(54321, ME.gid), False),
        (0o640, Identity(54321, 54321), False),
        (0o604, Identity(54321, 54321), True),
    ],
)
def test_who_may_read(tmp_path: Path, mode: int, who: Identity, *, may: bool) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(mode)
    assert mailtree.may_read(who, os.fsencode(tmp_path / "file")) is may


def test_no_queue_is_nobodys(tmp_path: Path) -> None:
    assert mailtree.queue_owner(os.fsencode(tmp_path)) is None
