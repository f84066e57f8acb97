"""Where recipients go, whatever they are. qmail-send(8): "an address user@domain is considered local if domain is
listed in locals", and a virtual domain's prepend stands before the address.

Not tested: the percent hack with other domains than these.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smarthost.formats.queuefiles import LOCAL, REMOTE
from smarthost.policy.rewrite import Rewriter

DOMAINS = st.sampled_from(
    [b"here", b"HERE", b"virtual", b"a.wild", b"not.wild", b"percent", b"far", b"", b"x.far"]
)
BOXES = st.text("ab%@.-", max_size=6).map(str.encode)
REWRITER = Rewriter([b"here"], [b"percent"], [b"virtual:v", b".wild:w", b"not.wild:"], b"default")


@given(BOXES, DOMAINS)
def test_an_address_goes_somewhere(box: bytes, domain: bytes) -> None:
    channel, address = REWRITER.place(box + b"@" + domain)
    host = address.rpartition(b"@")[2].lower()
    assert b"@" in address
    if host == b"here":
        assert channel == LOCAL
    elif host == b"virtual" or (host.endswith(b".wild") and host != b"not.wild"):
        assert channel == LOCAL
        assert address.startswith((b"v-", b"w-"))
        assert REWRITER.without_prepend(address) == address[2:]
    else:
        assert channel == REMOTE


@given(BOXES, DOMAINS)
def test_what_was_rewritten_once_is_local_or_remote_for_good(box: bytes, domain: bytes) -> None:
    """A remote address is not rewritten again where it comes back."""
    channel, address = REWRITER.place(box + b"@" + domain)
    if channel == REMOTE:
        assert REWRITER.place(address) == (REMOTE, address)
