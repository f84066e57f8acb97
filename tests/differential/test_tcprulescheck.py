"""tcprulescheck beside the original, for every client that three variables can describe."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.originals import original
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path

RULES = b"""joe@127.0.0.1:deny,FIRST="joe@ip"
joe@=a.b.example:allow,SECOND="joe@=host"
1.2.3.4:allow,IP="1.2.3.4",EMPTY=""
=a.b.example:deny
1.2.3.:allow,NET="3"
1.:deny,NET="1",AFTER="deny"
=.b.example:allow,SUFFIX="b.example"
=.example:allow,SUFFIX="example"
=:allow,NAME="any"
:allow,LAST="yes"
"""
ADDRESSES = [None, "127.0.0.1", "1.2.3.4", "1.2.3.5", "1.9.9.9", "1.2.", "9.9.9.9", ""]
HOSTS = [None, "a.b.example", "c.b.example", "x.example", "other", ""]
INFOS = [None, "joe", ""]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("check")
    assert run([ours("tcprules"), "all.cdb", "tmp"], RULES, cwd=directory).status == 0
    # The same without its last two rules, so that "default" is met.
    fewer = b"".join(RULES.splitlines(keepends=True)[:-2])
    assert run([ours("tcprules"), "fewer.cdb", "tmp"], fewer, cwd=directory).status == 0
    return directory


def check(program: str, place: Path, file: str, client: tuple[str | None, ...]) -> Outcome:
    names = ("TCPREMOTEIP", "TCPREMOTEHOST", "TCPREMOTEINFO")
    env = {name: value for name, value in zip(names, client, strict=True) if value is not None}
    return run([program, file], env=env, cwd=place)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["all.cdb", "fewer.cdb"])
def test_every_client(place: Path, file: str) -> None:
    for client in itertools.product(ADDRESSES, HOSTS, INFOS):
        theirs = check(original("tcprulescheck"), place, file, client)
        assert check(ours("tcprulescheck"), place, file, client) == theirs, client


def test_some_clients(place: Path) -> None:
    """The quick part of the above."""
    for client in [("1.2.3.4", None, None), ("9.9.9.9", "x.example", "joe"), (None, None, None)]:
        theirs = check(original("tcprulescheck"), place, "all.cdb", client)
        assert check(ours("tcprulescheck"), place, "all.cdb", client) == theirs, client


@pytest.mark.parametrize("arguments", [[], ["missing.cdb"], ["all.cdb", "more"], ["all.cdb/"]])
def test_files_and_arguments(place: Path, arguments: list[str]) -> None:
    theirs = run([original("tcprulescheck"), *arguments], env={}, cwd=place)
    assert run([ours("tcprulescheck"), *arguments], env={}, cwd=place) == theirs


@pytest.mark.parametrize(
    ("name", "reason"),
    [("empty", b"protocol error"), ("/dev/null", b"protocol error"), (".", b"is a directory")],
)
def test_what_the_original_maps_and_should_not(place: Path, name: str, reason: bytes) -> None:
    """Debian's tcprulescheck reads the failed map: "invalid argument", and SIGSEGV for a directory."""
    (place / "empty").write_bytes(b"")
    words = b"tcprulescheck: fatal: unable to read %s: %s\n" % (name.encode(), reason)
    assert run([ours("tcprulescheck"), name], env={}, cwd=place) == Outcome(111, b"", words)


def test_data_that_tcprules_does_not_write(place: Path) -> None:
    from smarthost.formats import cdb

    records = {b"1": b"+A\0xyz\0\0Dx\0+B=c\0", b"2": b"+A=b\0D", b"3": b"+\0+=\0", b"4": b"", b"5": b"+A=b"}
    descriptor = os.open(place / "odd.cdb", os.O_WRONLY | os.O_CREAT)
    maker = cdb.Maker(descriptor)
    maker.add(records, records.values())
    maker.finish()
    os.close(descriptor)
    for key in records:
        client = (os.fsdecode(key), None, None)
        theirs = check(original("tcprulescheck"), place, "odd.cdb", client)
        assert check(ours("tcprulescheck"), place, "odd.cdb", client) == theirs, key


def test_a_cut_file_is_refused_at_every_length(place: Path) -> None:
    """The original meets the cut only where its lookup passes: then its words are ours."""
    whole = (place / "all.cdb").read_bytes()
    words = b"tcprulescheck: fatal: unable to read cut.cdb: protocol error\n"
    for length in [0, 1, 2047, 2048, 2060, len(whole) - 8, len(whole) - 1]:
        (place / "cut.cdb").write_bytes(whole[:length])
        assert check(ours("tcprulescheck"), place, "cut.cdb", ("9.9.9.9", None, None)) == Outcome(
            111, b"", words
        )
    (place / "cut.cdb").write_bytes(whole[:100])
    assert check(original("tcprulescheck"), place, "cut.cdb", ("9", None, None)) == Outcome(111, b"", words)


def test_output_that_cannot_be_written(place: Path) -> None:
    done = run(["sh", "-c", f"{ours('tcprulescheck')} all.cdb >/dev/full"], cwd=place)
    assert done == Outcome(111, b"", b"tcprulescheck: fatal: unable to write output: out of disk space\n")
