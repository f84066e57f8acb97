"""Which rule applies, and what it says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import cdb
from smarthost.policy import access
from smarthost.policy.access import Decision

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ((b"1.2.3.4",), b"1.2.3.4 1.2.3. 1.2. 1. /"),
        ((b"1.2.3.4", b"a.b.c"), b"1.2.3.4 =a.b.c 1.2.3. 1.2. 1. =.b.c =.c = /"),
        ((b"1.2.3.4", None, b"joe"), b"joe@1.2.3.4 1.2.3.4 1.2.3. 1.2. 1. /"),
        ((b"1.2.3.4", b"a.b", b"joe"), b"joe@1.2.3.4 joe@=a.b 1.2.3.4 =a.b 1.2.3. 1.2. 1. =.b = /"),
        ((b"1.2.3.4", b"", b""), b"@1.2.3.4 @= 1.2.3.4 = 1.2.3. 1.2. 1. = /"),
        ((b"1.2.3.", b".a."), b"1.2.3. =.a. 1.2.3. 1.2. 1. =.a. =. = /"),
        ((b"",), b"/ /"),
        ((b"..",), b".. .. . /"),
    ],
)
def test_the_order_of_the_lookups(client: tuple[bytes, ...], expected: bytes) -> None:
    assert list(access.keys(*client)) == [key.replace(b"/", b"") for key in expected.split(b" ")]


def test_the_first_rule_found_decides() -> None:
    rules = {b"": b"last", b"1.": b"net", b"=.b": b"name"}
    assert access.find(rules.get, b"1.2.3.4") == (b"1.", b"net")
    assert access.find(rules.get, b"2.2.3.4", b"a.b") == (b"=.b", b"name")
    assert access.find(rules.get, b"2.2.3.4") == (b"", b"last")
    rules.clear()
    assert access.find(rules.get, b"2.2.3.4") is None


def test_nothing_is_looked_up_behind_the_answer() -> None:
    asked = []

    def lookup(key: bytes) -> bytes | None:
        asked.append(key)
        return b"" if key == b"1.2.3.4" else None

    assert access.find(lookup, b"1.2.3.4", b"a.b") == (b"1.2.3.4", b"")
    assert asked == [b"1.2.3.4"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Decision()),
        (b"D\0", Decision(deny=True)),
        (b"D", Decision()),
        (b"DENY\0", Decision(deny=True)),
        (b"+A=b\0", Decision(environment=((b"A", b"b"),))),
        (b"+A=b", Decision()),
        (b"D\0+A=b=c\0+A=\0", Decision(deny=True, environment=((b"A", b"b=c"), (b"A", b"")))),
        (b"+A\0+B=x\0+C=y", Decision(environment=((b"B", b"x"),))),
        (b"\0\0xD\0+=v\0", Decision(environment=((b"", b"v"),))),
    ],
)
def test_what_data_say(data: bytes, expected: Decision) -> None:
    assert access.decision(data) == expected
    assert hash(access.decision(data)) == hash(expected)


def test_decisions_differ_by_what_they_say() -> None:
    assert Decision() != Decision(deny=True)
    assert Decision() != Decision(environment=((b"A", b""),))
    assert Decision() != "Decision(deny=False, environment=())"
    assert repr(Decision()) == "Decision(deny=False, environment=())"


def opened(path: Path, records: dict[bytes, bytes]) -> cdb.Reader:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    maker = cdb.Maker(descriptor)
    maker.add(records, records.values())
    maker.finish()
    os.close(descriptor)
    return cdb.Reader(os.open(path, os.O_RDONLY))


class TestDependsOnNames:
    @pytest.fixture(params=[1_000_000, 2048])
    def limit(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(access, "WALK_LIMIT", request.param)
        return int(request.param)

    @pytest.mark.usefixtures("limit")
    @pytest.mark.parametrize("key", [b"=", b"=.b", b"joe@1.2.3.4", b"@"])
    def test_a_key_with_a_mark(self, tmp_path: Path, key: bytes) -> None:
        with opened(tmp_path / "cdb", {b"1.": b"", key: b""}) as rules:
            assert access.depends_on_names(rules)

    @pytest.mark.usefixtures("limit")
    def test_addresses_only(self, tmp_path: Path) -> None:
        with opened(tmp_path / "cdb", {b"1.": b"", b"": b"D\0"}) as rules:
            assert not access.depends_on_names(rules)

    @pytest.mark.usefixtures("limit")
    def test_no_rules(self, tmp_path: Path) -> None:
        with opened(tmp_path / "cdb", {}) as rules:
            assert not access.depends_on_names(rules)

    def test_a_mark_in_data_only(self, tmp_path: Path, limit: int) -> None:
        """Where there are too many rules to look at each, the answer is the cautious one."""
        with opened(tmp_path / "cdb", {b"1.": b"+A=b\0"}) as rules:
            assert access.depends_on_names(rules) is (limit == 2048)


def test_a_process_of_this_host_is_looked_up_by_user_then_group() -> None:
    assert access.user_keys(1000, 50) == (b"uid/1000", b"gid/50", b"")


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({b"uid/1000": b"", b"gid/50": b"D\0", b"": b"D\0"}, b"uid/1000"),
        ({b"gid/50": b"D\0", b"": b""}, b"gid/50"),
        ({b"uid/100": b"", b"": b"D\0"}, b""),
        ({b"uid/100": b""}, None),
    ],
)
def test_the_first_key_that_has_a_rule_decides(rules: dict[bytes, bytes], key: bytes | None) -> None:
    found = access.first(rules.get, access.user_keys(1000, 50))
    assert found == (None if key is None else (key, rules[key]))
