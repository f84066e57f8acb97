"""Access rules: any source gives records or a RuleError, however it arrives; the first rule found decides."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import rules
from smarthost.policy import access

words = st.sampled_from(
    [
        b"1.2.3.4",
        b"1-3",
        b"-",
        b"#",
        b":",
        b"allow",
        b":deny",
        b',X="y"',
        b",",
        b"=",
        b" ",
        b"\n",
        b"\n",
        b"\0",
    ]
)
sources = st.lists(words | st.binary(max_size=3), max_size=30).map(b"".join)

Result = list[tuple[bytes, bytes]] | tuple[int, bytes, str]


def outcome(pieces: list[bytes]) -> tuple[Result, int]:
    """The records, or the error; and how many lines said nothing, as far as it got."""
    compiler = rules.Compiler()
    records: list[tuple[bytes, bytes]] = []
    try:
        for piece in pieces:
            records += zip(*compiler.take(piece), strict=True)
        records += zip(*compiler.finish(), strict=True)
    except rules.RuleError as error:
        return (error.number, error.line, error.hint), compiler.ignored_count
    return records, compiler.ignored_count


class TestOneRuleALine:
    """tcprules(1): "A rule is one line." """

    @given(source=sources, cuts=st.lists(st.integers(0, 100), max_size=5))
    def test_in_pieces_as_whole(self, source: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted(min(cut, len(source)) for cut in cuts), len(source)]
        pieces = [source[start:end] for start, end in itertools.pairwise(edges)]
        assert outcome(pieces) == outcome([source])

    @given(source=sources)
    def test_line_by_line_as_at_once(self, source: bytes) -> None:
        assert outcome(source.splitlines(keepends=True)) == outcome([source])
        assert outcome([line + b"\n" for line in source.split(b"\n")]) == outcome([source])

    @given(text=st.binary(max_size=30))
    def test_any_instructions(self, text: bytes) -> None:
        for start in (b"", b"allow", b"deny", b"deny,"):
            try:
                data = rules.instructions(start + text)
            except FormatError:
                continue
            # What is written is read back: every instruction ends in its zero byte.
            assert data == b"" or data.endswith(b"\0")
            if b"\0" not in text:
                assert access.decision(data).deny is (start + text).startswith(b"deny")


addresses = st.tuples(*[st.integers(0, 255)] * 4).map(lambda four: b"%d.%d.%d.%d" % four)
labels = st.text("ab", min_size=1, max_size=2).map(str.encode)
hosts = st.none() | st.lists(labels, max_size=4).map(b".".join)
infos = st.none() | labels


class TestFirstRuleDecides:
    """tcprules(1): "tcpserver uses the first rule it finds." """

    @given(ip=addresses, host=hosts, info=infos)
    def test_the_empty_address_comes_last(self, ip: bytes, host: bytes | None, info: bytes | None) -> None:
        assert list(access.keys(ip, host, info))[-1] == b""

    @given(ip=addresses, host=hosts, info=infos)
    def test_with_ident_before_without(self, ip: bytes, host: bytes | None, info: bytes | None) -> None:
        order = list(access.keys(ip, host, info))
        with_ident = [b"@" in key for key in order]
        assert with_ident == sorted(with_ident, reverse=True)
        assert order[sum(with_ident)] == ip

    @given(ip=addresses, host=hosts, info=infos)
    def test_the_network_shrinks_to_the_left(self, ip: bytes, host: bytes | None, info: bytes | None) -> None:
        networks = [key for key in access.keys(ip, host, info) if key.endswith(b".") and b"=" not in key]
        assert networks == [ip[:-length] for length in range(1, len(ip)) if ip[:-length].endswith(b".")]

    @given(ip=addresses, host=hosts, info=infos, data=st.data())
    def test_of_all_rules_that_apply_the_first(
        self, ip: bytes, host: bytes | None, info: bytes | None, data: st.DataObject
    ) -> None:
        order = list(access.keys(ip, host, info))
        written = data.draw(st.sets(st.sampled_from(order)))
        found = access.find({key: key for key in written}.get, ip, host, info)
        assert found == next(((key, key) for key in order if key in written), None)
