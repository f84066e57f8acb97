"""tcprules beside the original: cdb files byte for byte, status, and what is said.

Not tested: more than 4 GB; the original's behaviour when memory runs out.
"""

from __future__ import annotations

import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.originals import original
from tests.support.run import Outcome, ours, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


def both(place: Path, source: bytes) -> tuple[Outcome, Outcome, bytes | None, bytes | None]:
    """What the original and ours said, and the files that they published."""
    outcomes: list[Outcome] = []
    files: list[bytes | None] = []
    for program in (original("tcprules"), ours("tcprules")):
        target = place / "rules.cdb"
        target.unlink(missing_ok=True)
        outcomes.append(run([program, "rules.cdb", "rules.tmp"], source, cwd=place))
        files.append(target.read_bytes() if target.exists() else None)
    return outcomes[0], outcomes[1], files[0], files[1]


def compare(place: Path, source: bytes) -> None:
    theirs, mine, their_file, my_file = both(place, source)
    assert mine.status == theirs.status, (theirs, mine)
    assert my_file == their_file
    said = [line for line in mine.stderr.splitlines(keepends=True) if b": warning: " not in line]
    if theirs.status == 0:
        assert theirs.stderr == b""
        assert said == []
    else:
        # The line of the original, then one of ours with the number and the reason. A line of rules
        # may have odd bytes in it, so that splitlines() may see more of them.
        assert b"".join(said).startswith(theirs.stderr)
        assert b"".join(said)[len(theirs.stderr) :].startswith(b"tcprules: line ")


# Made from what means something, so that most are near a rule.
PIECES = [
    b"1.2.3.4", b"1.2.3.", b"10-12", b"250-300", b"5-3", b"-", b"=", b"@", b".", b"a.b", b"joe", b"\0", b"#",
    b":", b":allow", b":deny", b':allow,X="y"', b",A=/b/", b",", b"=x", b" ", b"\t", b"\n", b"\n", b"\r\n",
    b"18446744073709551617", b"\xff", b"allow", b"deny",
]  # fmt: skip
lines = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=12).map(b"".join)
addresses = st.lists(st.sampled_from(PIECES[:12]), max_size=5).map(b"".join)
variables = st.tuples(
    st.binary(max_size=4).map(lambda name: name.translate(None, b"=\n")),
    st.sampled_from([b'"', b"/", b"x", b":", b"\0"]),
    st.binary(max_size=6),
).map(
    lambda parts: b",%s=%s%s%s" % (parts[0], parts[1], parts[2].translate(None, parts[1] + b"\n"), parts[1])
)
rule = st.tuples(
    addresses, st.sampled_from([b":allow", b":deny"]), st.lists(variables, max_size=3).map(b"".join)
).map(b"".join)
sources = st.lists(rule | rule | rule | lines | st.just(b"# comment") | st.just(b""), max_size=12).map(
    b"\n".join
)


class TestAnySource:
    """Every cdb is that of the original; every line it refuses is refused, in its words."""

    @pytest.mark.slow
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(source=sources)
    def test_generated(self, place: Path, source: bytes) -> None:
        compare(place, source)


@pytest.mark.parametrize(
    "source",
    [
        b"", b"\n", b"#", b"a", b":", b"a:", b":allow", b":deny\n", b"a: deny", b"a:deny,", b"a:deny,X", b"a:deny,X=",
        b"a:deny,X=y", b'a:deny,X="y"', b'a:deny,X="y" ', b"a:deny,X= y ", b'a:deny,X="y"z', b"a:denying",
        b"192.168.1.:allow :deny\n", b"a:allow#\n", b"a:allow\0\n", b"a\0b:x\0y\n", b"x-1:allow", b"1-x:allow",
        b"1.2.3.37-53:allow\n", b"1.2.3.37-:allow\n", b"-37:allow\n", b"1.2.3.250-300:deny,X=/y/\n",
        b"1-2.3-4:allow\n", b"1\0z-2\0z.5:allow\n", b"0x1-2:allow", b"=a-b.c:deny\n", b"j-k@1.2.3.4:deny\n",
        b"18446744073709551616-3:allow\n", b"1.2.3.0-99999999999:allow\n", b"1.2.3.4 - 5:allow\n",
        b"a:allow\na:deny\na:allow\n", b"\xff\xfe:allow,\xff=\xfe\xfd\xfe\n", b"a:allow\r\n", b"no colon\n:deny\n",
        b"x" * 100_000 + b":allow\n", b"a:allow,X=/" + b"y" * 100_000 + b"/\n", b"bad" * 1000 + b":x\n",
    ],
)  # fmt: skip
def test_each_kind_of_line(place: Path, source: bytes) -> None:
    compare(place, source)


@pytest.mark.slow
def test_many_rules_of_all_kinds(place: Path) -> None:
    dice = random.Random(1)
    kinds = [b"%d.%d.%d.%d:allow", b"%d.%d.%d.%d:deny", b"%d.%d.%d.%d-255:allow", b"=h%d.x%d.y%d.z%d:deny"]
    kinds += [b'%d.%d.%d.%d:allow,X="%%"', b"# %d %d %d:%d", b"%d %d-%d %d", b'%d.%d.%d.%d:deny,U="http://x"']
    source = b"".join(
        dice.choice(kinds) % tuple(dice.randrange(256) for _ in range(4)) + b"\n" for _ in range(60_000)
    )
    compare(place, source)


@pytest.mark.parametrize("arguments", [[], ["rules.cdb"], ["rules.cdb", "rules.tmp", "more"]])
def test_arguments(place: Path, arguments: list[str]) -> None:
    theirs = run([original("tcprules"), *arguments], b":deny", cwd=place)
    mine = run([ours("tcprules"), *arguments], b":deny", cwd=place)
    assert mine == theirs


@pytest.mark.parametrize(
    "arguments",
    [
        ["rules.cdb", "missing/tmp"],
        ["missing/cdb", "rules.tmp"],
        ["folder", "rules.tmp"],
        ["rules.cdb", "folder"],
    ],
)
def test_names_that_cannot_be(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    theirs = run([original("tcprules"), *arguments], b":deny", cwd=tmp_path)
    mine = run([ours("tcprules"), *arguments], b":deny", cwd=tmp_path)
    assert mine == theirs
    assert mine.status == 111


def test_input_that_cannot_be_read(tmp_path: Path) -> None:
    """A closed one. CPython ends by itself, with 1, when its input is a directory: Differs says so."""
    said = [
        run(["sh", "-c", f"exec {program} rules.cdb rules.tmp <&-"], cwd=tmp_path)
        for program in (original("tcprules"), ours("tcprules"))
    ]
    assert said[0] == said[1]
    assert said[0].status == 111


def test_mode_of_the_file(tmp_path: Path) -> None:
    modes = []
    for program in (original("tcprules"), ours("tcprules")):
        name = os.path.basename(os.path.dirname(program))
        run(["sh", "-c", f"umask 026; exec {program} {name}.cdb {name}.tmp"], b":deny", cwd=tmp_path)
        modes.append((tmp_path / f"{name}.cdb").stat().st_mode)
    assert modes[0] == modes[1]


class TestOtherReaders:
    """cdb files go both ways: what freecdb and tinycdb read in ours, and we in theirs."""

    SOURCE = b'a:allow\n127.0.0.1:deny\n1.2.3.4-6:allow,X="y",Z=/w w/\n:deny\na:deny\n'

    def publish(self, place: Path) -> Path:
        assert run([ours("tcprules"), "rules.cdb", "rules.tmp"], self.SOURCE, cwd=place).status == 0
        return place / "rules.cdb"

    def test_freecdb(self, place: Path) -> None:
        content = self.publish(place).read_bytes()
        dump = run([original("cdbdump")], content).stdout
        assert dump.startswith(b"+1,0:a->\n+9,2:127.0.0.1->D\0\n")
        run([original("cdbmake"), "again.cdb", "again.tmp"], dump, cwd=place)
        assert (place / "again.cdb").read_bytes() == content
        with (place / "rules.cdb").open("rb") as rules:
            done = subprocess.run(
                [original("cdbget"), "1.2.3.5"], stdin=rules, capture_output=True, check=False
            )
        assert done.stdout == b"+X=y\0+Z=w w\0"

    def test_tinycdb(self, place: Path) -> None:
        path = self.publish(place)
        assert run([original("cdb"), "-q", str(path), "1.2.3.6"]).stdout == b"+X=y\0+Z=w w\0"
        dump = run([original("cdb"), "-d", str(path)]).stdout
        run([original("cdb"), "-c", "-t", str(place / "tiny.tmp"), str(place / "tiny.cdb")], dump)
        assert (place / "tiny.cdb").read_bytes() == path.read_bytes()
        shown = run([ours("tcprulescheck"), "tiny.cdb"], env={"TCPREMOTEIP": "1.2.3.4"}, cwd=place)
        assert b"set environment variable X=y\n" in shown.stdout
