"""A queue as it is seen from outside, also while it changes. Not tested: 100,000 messages, which bench measures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.errors import Temporary
from smarthost.formats.queuelisting import LOCAL, REMOTE
from smarthost.store import queueview
from smarthost.store.queueorders import Orders
from smarthost.store.queueview import View
from smarthost.unix import files
from tests.support.homes import make_home
from tests.support.queues import MESSAGE, add_message, add_todo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return make_home(tmp_path) / "queue"


def view(queue: Path) -> View:
    return View(os.fsencode(queue))


def listed(queue: Path, now: int = 10_000) -> bytes:
    return b"".join(queueview.listing(os.fsencode(queue), now))


def test_a_message_that_was_looked_at(queue: Path) -> None:
    number = add_message(
        queue, local=[b"Tjoe", b"Dann"], remote=[b"Tbob@example.org"], bounce=b"x", arrived=9_000
    )
    (queue / f"why/{number}").write_bytes(
        b"remote bob@example.org\tno route\nremote gone@example.org\tx\nlocal joe\n\nlocal ann\tlate\n"
    )
    [message] = view(queue).messages()
    assert (message.number, message.size, message.arrived) == (number, len(MESSAGE), 9_000)
    assert (message.sender, message.states) == (b"joe@example.com", ["bouncing"])
    assert [
        (each.channel, each.address, each.is_done, each.error) for each in view(queue).recipients(message)
    ] == [
        (LOCAL, b"joe", False, b""),
        (LOCAL, b"ann", True, b""),
        (REMOTE, b"bob@example.org", False, b"no route"),
    ]


def test_a_message_that_was_not(queue: Path) -> None:
    number = add_todo(queue, b"u5\0p77\0Fjoe@example.com\0Tann@example.org\0Tbob\0")
    (queue / f"info/{number % 23}/{number}").write_bytes(b"Fhalf")  # it is being looked at right now
    (queue / f"local/{number % 23}/{number}").write_bytes(b"Tha")
    [message] = view(queue).messages()
    assert (message.sender, message.states) == (b"joe@example.com", ["new"])
    assert [(each.channel, each.address) for each in view(queue).recipients(message)] == [
        (b"", b"ann@example.org"),
        (b"", b"bob"),
    ]
    found = view(queue).look(number)
    assert found is not None
    assert found.is_new


def test_held(queue: Path) -> None:
    number = add_message(queue)
    Orders(os.fsencode(queue)).hold(number)
    assert [message.is_held for message in view(queue).messages()] == [True]
    found = view(queue).look(number)
    assert found is not None
    assert found.is_held


def test_what_is_being_queued_or_removed_is_not_shown(queue: Path) -> None:
    number = add_message(queue)
    (queue / f"info/{number % 23}/{number}").unlink()
    assert list(view(queue).messages()) == []
    assert view(queue).look(number) is None
    assert view(queue).look(0) is None


def test_the_last_record_may_be_written_just_now(queue: Path) -> None:
    number = add_message(queue, remote=[b"Tann@example.org"])
    with open(queue / f"remote/{number % 23}/{number}", "ab") as remote:
        remote.write(b"Thalf")
    [message] = view(queue).messages()
    assert [each.address for each in view(queue).recipients(message)] == [b"ann@example.org"]


def test_many_recipients_come_in_blocks(queue: Path) -> None:
    addresses = [b"%05d@example.org" % number for number in range(20_000)]
    add_message(queue, remote=[b"T" + address for address in addresses])
    [message] = view(queue).messages()
    assert [each.address for each in view(queue).recipients(message)] == addresses


def test_a_file_without_records_is_not_read_whole(queue: Path) -> None:
    number = add_message(queue)
    with open(queue / f"remote/{number % 23}/{number}", "wb") as remote:
        remote.truncate(1 << 30)
        remote.write(b"T" * 200_000)
    [message] = view(queue).messages()
    recipients = view(queue).recipients(message)
    assert next(recipients, None) is None


@pytest.mark.parametrize("kind", ["mess", "info", "local", "remote", "why", "todo"])
def test_any_file_may_vanish_between_two_looks(
    queue: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed when it is about to be opened or looked at, after its name was seen."""
    if kind == "todo":
        add_todo(queue, b"u5\0p77\0Fjoe@example.com\0Tann@example.org\0")
    else:
        number = add_message(queue, local=[b"Tjoe"], remote=[b"Tbob@example.org"])
        (queue / f"why/{number}").write_bytes(b"local joe\tx\n")

    def vanishing(function: Callable[..., object]) -> Callable[..., object]:
        def look(path: object) -> object:
            if isinstance(path, bytes) and f"/{kind}/".encode() in path and os.path.isfile(path):
                os.unlink(path)
            return function(path)

        return look

    monkeypatch.setattr(files, "open_read", vanishing(files.open_read))
    monkeypatch.setattr(files, "look", vanishing(files.look))
    text = listed(queue)
    assert text.endswith((b"1 message\n", b"Mail queue is empty\n"))


def test_the_listing(queue: Path) -> None:
    held = add_message(queue, remote=[b"Tann@example.org"], arrived=9_990)
    Orders(os.fsencode(queue)).hold(held)
    new = add_todo(queue, b"u5\0p77\0F\0Tbob\0")
    os.utime(queue / f"todo/{new}", (10_000, 10_000))
    assert listed(queue) == (
        b"%d  %d bytes, 0 seconds, from <>, new\n  to <bob>\n"
        b"%d  %d bytes, 10 seconds, from <joe@example.com>, held\n  to <ann@example.org>\n"
        b"2 messages, 1 new, 1 held\n"
    ) % (new, len(MESSAGE), held, len(MESSAGE))


def test_a_home_without_a_queue(tmp_path: Path) -> None:
    assert listed(tmp_path / "queue") == b"Mail queue is empty\n"


def test_a_queue_of_another_kind_is_used_as_it_is(queue: Path) -> None:
    for name in ("orders", "hold", "why"):
        (queue / name).rmdir()
    for part in range(5, 23):
        for name in ("mess", "info", "local", "remote"):
            (queue / name / str(part)).rmdir()
    add_message(queue, remote=[b"Tann@example.org"])
    assert listed(queue).endswith(b"  to <ann@example.org>\n1 message\n")


def test_what_cannot_be_read_is_said(queue: Path) -> None:
    (queue / "bounce").rmdir()
    with pytest.raises(Temporary, match=r"unable to read \S+/queue/bounce: file does not exist"):
        queueview.show(os.fsencode(queue), 0, 1)


def test_a_directory_that_vanishes_is_an_error_not_an_empty_queue(queue: Path) -> None:
    (queue / "info/7").rmdir()
    with pytest.raises(FileNotFoundError):
        listed(queue)
