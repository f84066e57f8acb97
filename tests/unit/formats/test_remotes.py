"""control/remotes: nullmailer's examples, its quoting, and every option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smarthost.errors import FormatError
from smarthost.formats import remotes


def facts(line: bytes) -> dict[str, object]:
    """What differs from a server without options."""
    [server] = remotes.servers(line)
    plain = remotes.Remote(b"h")
    return {
        name: getattr(server, name)
        for name in remotes.Remote.__slots__
        if getattr(server, name) != getattr(plain, name) and name != "host"
    }


def test_the_manuals_example() -> None:
    [server] = remotes.servers(b"smarthost.dom smtp port=2525 starttls user=user pass='my pass phrase'\n")
    assert (server.host, server.protocol, server.port, server.starttls) == (
        b"smarthost.dom",
        b"smtp",
        2525,
        True,
    )
    assert (server.user, server.password) == (b"user", b"my pass phrase")
    assert server.secured


@pytest.mark.parametrize(
    ("line", "differs"),
    [
        (b"h", {"port": 25}),
        (b"h smtp", {"port": 25}),
        (b"h smtp tls", {"tls": True, "port": 465}),
        (b"h smtp ssl starttls", {"tls": True, "port": 465}),
        (b"h smtp --ssl --port=1", {"tls": True, "port": 1}),
        (b"h smtp port=0 tls", {"tls": True, "port": 465}),
        (b"h smtp -p2525", {"port": 2525}),
        (b"h smtp auth-login", {"port": 25, "auth": b"LOGIN"}),
        (b"h smtp auth-external", {"port": 25, "auth": b"EXTERNAL"}),
        (b"h smtp insecure x509fmtder", {"port": 25, "insecure": True, "der": True}),
        (b"h smtp insecure tls-anon-auth", {"port": 25, "insecure": True, "anonymous": True}),
        (b"h smtp x509cafile=/a x509crlfile=/b", {"port": 25, "authorities": b"/a", "revoked": b"/b"}),
        (b"h smtp x509certfile=/a x509keyfile=/b", {"port": 25, "certificate": b"/a", "key": b"/b"}),
        (
            b"h smtp source=10.0.0.1 user= pass=",
            {"port": 25, "source": b"10.0.0.1", "user": b"", "password": b""},
        ),
        (b"h qmqp", {"protocol": b"qmqp"}),
        (b"/run/qmqp qmqp", {"protocol": b"qmqp"}),
        (b"h qmqp port=700 tls", {"protocol": b"qmqp", "port": 700, "tls": True}),
    ],
)
def test_options(line: bytes, differs: dict[str, object]) -> None:
    assert facts(line) == differs


def test_another_host() -> None:
    [server] = remotes.servers(b"h smtp host=other")
    assert server.host == b"other"


def test_lines_that_count_for_nothing_and_the_order() -> None:
    content = b"# first\n\n  \t\n one smtp \r\n   # more\ntwo\nthree qmqp"
    assert [server.host for server in remotes.servers(content)] == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "no server is named"),
        (b"#h\n", "no server is named"),
        (b"ok\nh smpt", "line 2: the protocol is neither smtp nor qmqp"),
        (b"h smtp port", "line 1: option 1 is unknown, or its value is missing or too much"),
        (b"h smtp tls=1", "line 1: option 1 is unknown, or its value is missing or too much"),
        (b"h smtp tls secret", "line 1: option 2 is unknown, or its value is missing or too much"),
        (b"h smtp user=a pass=b c", "line 1: option 3 is unknown, or its value is missing or too much"),
        (b"h\0 smtp", "line 1: a zero byte"),
        (b"h smtp port=x", "line 1: bad port"),
        (b"h smtp port=", "line 1: bad port"),
        (b"h smtp port=-1", "line 1: bad port"),
        (b"h smtp port=65536", "line 1: bad port"),
        (b"h smtp port=00000000001", "line 1: bad port"),
        (b"h smtp pass='secret", "line 1: a quote is not closed"),
        (b'h smtp pass="secret', "line 1: a quote is not closed"),
        (b"'' smtp", "line 1: the host has no name"),
        (b"h qmqp starttls", "line 1: qmqp has no starttls"),
        (b"h qmqp tls", "line 1: qmqp with tls needs a port"),
        (b"h smtp tls-anon-auth", "line 1: tls-anon-auth needs insecure"),
        (
            b"h smtp tls-anon-auth insecure x509cafile=/a",
            "line 1: a certificate and tls-anon-auth do not go together",
        ),
    ],
)
def test_what_makes_no_sense(line: bytes, problem: str) -> None:
    with pytest.raises(FormatError) as raised:
        remotes.servers(line)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a b\tc\x0bd\x0ce", [b"a", b"b", b"c", b"d", b"e"]),
        (b"'a b' c", [b"a b", b"c"]),
        (b"a'b c'd", [b"ab cd"]),
        (b"""a"b 'c' "'d "e"'""", [b"""ab 'c' d "e\""""]),
        (b"a\\ b", [b"a b"]),
        (b"a\\\\ b", [b"a\\", b"b"]),
        (b"'a\\' b", [b"a\\", b"b"]),
        (b'"a\\"b"', [b'a"b']),
        (b'"a\\\\" b', [b"a\\", b"b"]),
        (b'"a\\bc"', [b"abc"]),
        (b"'' \"\"", [b"", b""]),
        (b"a\\", [b"a"]),
        (b"  a  ", [b"a"]),
        (b"", []),
        (b"p\xc3\xa4ss", [b"p\xc3\xa4ss"]),
    ],
)
def test_words(line: bytes, words: list[bytes]) -> None:
    assert remotes.words_of(line) == words


@given(st.lists(st.binary().filter(lambda word: b"\n" not in word and b"'" not in word)))
def test_what_is_quoted_comes_out_as_it_was(words: list[bytes]) -> None:
    assert remotes.words_of(b" ".join([b"'" + word + b"'" for word in words])) == words


@given(st.binary())
def test_any_bytes_and_no_word_of_them_in_the_answer(content: bytes) -> None:
    try:
        remotes.servers(content)
    except FormatError as error:
        assert str(error).isascii()  # noqa: PT017
