"""What a directory holds, and what supervisorctl calls it.

Not tested: an entry that cannot be looked at for another reason than a missing right.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.supervision.scan import Service, Unclear, called, scan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"qmail-qmqpd", "qmail-qmqpd"),
        (b"a b", "a%20b"),
        (b"a:b*", "a%3Ab%2A"),
        (b"100%", "100%25"),
        ("é".encode(), "%C3%A9"),
        (b"<b>", "%3Cb%3E"),
        (b"all", "%61ll"),
    ],
)
def test_names_that_supervisorctl_can_type(name: bytes, shown: str) -> None:
    assert called(name) == shown


def test_directories_and_links_to_them_are_services(tmp_path: Path) -> None:
    for name in ("b", "b/log", "a", ".hidden", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "c").symlink_to("elsewhere")
    found = {service.name: service for service in scan(bytes(tmp_path)) if isinstance(service, Service)}
    assert list(found) == [b"a", b"b", b"c", b"elsewhere"]
    assert [service.logged for service in found.values()] == [False, True, False, False]
    assert found[b"c"].identity == found[b"elsewhere"].identity != found[b"a"].identity


def test_what_cannot_be_looked_at_is_not_gone(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert list(scan(bytes(tmp_path))) == [Unclear(b"loop", "unable to stat loop: symbolic link loop")]


def test_a_directory_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        list(scan(os.fsencode(tmp_path / "none")))
