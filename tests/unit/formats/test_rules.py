"""Access rules in source form: what each line becomes, and what is wrong with those that become nothing."""

from __future__ import annotations

import pytest

from smarthost.errors import FormatError
from smarthost.formats import rules

ARRIVALS = [1, 2, 7, 1 << 20]


def compiled(source: bytes, size: int = 1 << 20) -> list[tuple[bytes, bytes]]:
    compiler = rules.Compiler()
    records: list[tuple[bytes, bytes]] = []
    for start in range(0, len(source), size):
        records += zip(*compiler.take(source[start : start + size]), strict=True)
    return records + list(zip(*compiler.finish(), strict=True))


@pytest.mark.parametrize("size", ARRIVALS)
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"1.2.3.4:allow\n", [(b"1.2.3.4", b"")], id="allow"),
        pytest.param(b"1.2.3.4:deny\n", [(b"1.2.3.4", b"D\0")], id="deny"),
        pytest.param(b":deny", [(b"", b"D\0")], id="no newline at the end"),
        pytest.param(b"a:deny \t \n", [(b"a", b"D\0")], id="blanks at the end of a line"),
        pytest.param(b"# a:deny\n\na:deny\n#\n", [(b"a", b"D\0")], id="comments and empty lines"),
        pytest.param(b"b:deny\n# c\na:deny\n", [(b"b", b"D\0"), (b"a", b"D\0")], id="comments between"),
        pytest.param(b" a :deny\n", [(b" a ", b"D\0")], id="blanks belong to the address"),
        pytest.param(b" #a:deny\n", [(b" #a", b"D\0")], id="a comment begins in the first column"),
        pytest.param(b"a\n \nb:allow\n", [(b"b", b"")], id="without a colon a line says nothing"),
        pytest.param(b'a:allow,X="1",Y=/2/\n', [(b"a", b"+X=1\0+Y=2\0")], id="variables"),
        pytest.param(b'a:deny,X=""\n', [(b"a", b"D\0+X=\0")], id="a denial with a variable, an empty one"),
        pytest.param(b"a:allow,X=,u:v,\n", [(b"a", b"+X=u:v\0")], id="a value with a colon"),
        pytest.param(b"a:allow,=xyx\n", [(b"a", b"+=y\0")], id="a variable without a name"),
        pytest.param(b"a:allow,X,Y=xyx\n", [(b"a", b"+X,Y=y\0")], id="a comma in a name"),
        pytest.param(b"a\0b:allow,X=\0v\0\n", [(b"a\0b", b"+X=v\0")], id="zero bytes"),
        pytest.param(b"a:allow\na:deny\n", [(b"a", b""), (b"a", b"D\0")], id="twice"),
        pytest.param(
            b"a:deny\n1.2.3.8-10:allow\nb-c@:deny\n",
            [(b"a", b"D\0"), (b"1.2.3.8", b""), (b"1.2.3.9", b""), (b"1.2.3.10", b""), (b"b-c@", b"D\0")],
            id="a range",
        ),
    ],
)
def test_what_rules_become(source: bytes, expected: list[tuple[bytes, bytes]], size: int) -> None:
    assert compiled(source, size) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"1.2.3.37-39", [b"1.2.3.37", b"1.2.3.38", b"1.2.3.39"]),
        (b"1.2.3.37-37", [b"1.2.3.37"]),
        (b"1.2.3.37-36", []),
        (b"1.2-3.4.", [b"1.2.4.", b"1.3.4."]),
        (b"8-9", [b"8", b"9"]),
        (b"1.2.3.254-999999", [b"1.2.3.254", b"1.2.3.255"]),
        (b"1.2.3.256-999", []),
        (b"1.2.3.-1", [b"1.2.3.0", b"1.2.3.1"]),
        (b"1.2.3.4-", []),
        (b"-", [b"0"]),
        (b"007-8", [b"7", b"8"]),
        (b"%d-%d" % (2**64 + 3, 2**64 + 4), [b"3", b"4"]),
        (b"1" + b"0" * 5000 + b"4-4", [b"4"]),
        (b"1\0x-2\0y", [b"1", b"2"]),
        (b"a-b.example@1.2.3.4", [b"a-b.example@1.2.3.4"]),
        (b"=a-b.example", [b"=a-b.example"]),
        (b"1.2-3.4-x", [b"1.2.4-x", b"1.3.4-x"]),
    ],
)
def test_ranges(address: bytes, expected: list[bytes]) -> None:
    assert list(rules.addresses(address)) == expected


@pytest.mark.parametrize("address", [b"a-1", b"1-a", b"1.2.3.4-1.2.3.8x-", b"-a", b"1--2"])
def test_what_is_no_range(address: bytes) -> None:
    # 1.2.3.4-1.2.3.8: the second number ends at its dot, so that this is 1.2.3.4 to 1.2.3.1, no rule.
    if address.startswith(b"1.2"):
        assert list(rules.addresses(address)) == []
    else:
        with pytest.raises(FormatError, match="two numbers"):
            list(rules.addresses(address))


@pytest.mark.parametrize("size", ARRIVALS)
@pytest.mark.parametrize("before", [b"", b"# c\n\n", b"ok:allow\n\n", b"x\ny:allow,A='b'\n"])
@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (b"192.168.1.:allow :deny", "two rules on one line"),
        (b"a:allow b:deny", "two rules on one line"),
        (b"a:allow # why", "a comment needs a line of its own"),
        (b"a:allow#why", "a comment needs a line of its own"),
        (b"a:allowed", "only ,NAME"),
        (b"a:allow now", "only ,NAME"),
        (b"a:allow:", "only ,NAME"),
        (b"a:", "allow or deny must follow"),
        (b"a: allow", "allow or deny must follow"),
        (b"a:Deny", "allow or deny must follow"),
        (b"::1:allow", "allow or deny must follow"),
        (b"a:den", "allow or deny must follow"),
        (b"a:deny,X", "a variable is written"),
        (b"a:deny,", "a variable is written"),
        (b"a:deny,X=", "begin and end with the same"),
        (b"a:deny,X=y", "begin and end with the same"),
        (b'a:deny,X="y', "begin and end with the same"),
        (b'a:deny,X="y"z', "only ,NAME"),
        (b"1.2.3.x-9:allow", "two numbers"),
    ],
)
def test_lines_that_are_no_rules(before: bytes, line: bytes, hint: str, size: int) -> None:
    with pytest.raises(rules.RuleError, match=hint) as caught:
        compiled(before + line + b" \t\nmore:allow\n", size)
    assert caught.value.number == before.count(b"\n") + 1
    assert caught.value.line == line


def test_a_value_that_ends_in_a_blank_loses_it_before_it_is_read() -> None:
    with pytest.raises(rules.RuleError):
        compiled(b"a:allow,X= y \n")


def test_lines_without_a_colon_are_counted() -> None:
    compiler = rules.Compiler()
    compiler.take(b"# no\n\n  \nyes\nok:allow\n" + b"yes\n" * 20)
    compiler.take(b"ok:allow\nyes")
    compiler.finish()
    assert compiler.ignored == [4, *range(6, 15)]
    assert compiler.ignored_count == 22


def test_memory_of_instructions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "REMEMBERED", 2)
    source = b"".join(b"%d:allow,X=/%d/\n" % (number % 5, number % 5) for number in range(20))
    assert compiled(source) == [(b"%d" % (n % 5), b"+X=%d\0" % (n % 5)) for n in range(20)]
