from __future__ import annotations

import pytest

from smarthost.policy.nullclient import Rewriter, Stream, fact

ENVELOPE = b"Fjoe@host.example\0Troot@me.example\0Tann@example.org\0"


def rewritten(envelope: bytes, sender: bytes = b"", administrators: bytes = b"") -> bytes:
    return Stream(Rewriter(b"me.example", sender, administrators)).feed(envelope)


def test_nothing_is_asked_for() -> None:
    assert rewritten(ENVELOPE) == ENVELOPE


def test_all_mail_is_from_one() -> None:
    assert rewritten(ENVELOPE, b"null@example.com").startswith(b"Fnull@example.com\0Troot@me.example\0")


@pytest.mark.parametrize("sender", [b"", b"#@[]", b"joe", b"@host.example"])
def test_senders_that_stay(sender: bytes) -> None:
    """Nobody's, so that a bounce is one, a bounce's of a bounce, and what is no address to nullmailer."""
    envelope = b"F" + sender + b"\0Tann@example.org\0"
    assert rewritten(envelope, b"null@example.com") == envelope


@pytest.mark.parametrize("address", [b"root@me.example", b"joe@localhost", b"a@b@LOCALHOST", b"x@Me.Example"])
def test_whoever_is_at_this_host(address: bytes) -> None:
    assert rewritten(b"F\0T" + address + b"\0", administrators=b"admin@example.com") == (
        b"F\0Tadmin@example.com\0"
    )


@pytest.mark.parametrize("address", [b"root", b"@localhost", b"joe@not.me.example", b"localhost"])
def test_whoever_is_not(address: bytes) -> None:
    envelope = b"F\0T" + address + b"\0"
    assert rewritten(envelope, administrators=b"admin@example.com") == envelope


def test_several_administrators_get_it_once() -> None:
    assert rewritten(
        b"F\0Ta@localhost\0Tann@example.org\0Tb@localhost\0", administrators=b"x@y.z, v@w.z,"
    ) == (b"F\0Tx@y.z\0Tv@w.z\0Tann@example.org\0")


@pytest.mark.parametrize("size", range(1, len(ENVELOPE)))
def test_pieces(size: int) -> None:
    stream = Stream(Rewriter(b"me.example", b"null@example.com", b"admin@example.com"))
    pieces = [ENVELOPE[at : at + size] for at in range(0, len(ENVELOPE), size)]
    assert b"".join(map(stream.feed, pieces)) == (
        b"Fnull@example.com\0Tadmin@example.com\0Tann@example.org\0"
    )


@pytest.mark.parametrize(
    ("content", "said"), [(None, b""), (b"", b""), (b" \n", b""), (b"\t a b \nc\n", b"a b"), (b"a", b"a")]
)
def test_facts(content: bytes | None, said: bytes) -> None:
    assert fact(content) == said
