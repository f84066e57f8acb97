"""Local or remote, and under which address.

Not tested here but beside the original: tests/differential/test_qmail_send.py has more addresses.
"""

from __future__ import annotations

import pytest

from smarthost.formats.queuefiles import LOCAL, REMOTE
from smarthost.policy.rewrite import Rewriter

REWRITER = Rewriter(
    [b"here.example", b"ALSO.example"],
    [b"percent.example"],
    [
        b"virtual.example:joe",
        b".wild.example:wild",
        b"not.wild.example:",
        b"ann@mixed.example:ann",
        b"twice.example:first",
        b"Twice.example:second",
        b"here.example:never",
        b"no colon",
        b"odd.example:a:b",
    ],
    b"default.example",
)


@pytest.mark.parametrize(
    ("recipient", "channel", "address"),
    [
        (b"joe@here.example", LOCAL, b"joe@here.example"),
        (b"Joe@HERE.example", LOCAL, b"Joe@HERE.example"),
        (b"joe@also.example", LOCAL, b"joe@also.example"),
        (b"joe@sub.here.example", REMOTE, b"joe@sub.here.example"),
        (b"joe", REMOTE, b"joe@default.example"),
        (b"", REMOTE, b"@default.example"),
        (b"box@virtual.example", LOCAL, b"joe-box@virtual.example"),
        (b"box@sub.virtual.example", REMOTE, b"box@sub.virtual.example"),
        (b"box@wild.example", REMOTE, b"box@wild.example"),
        (b"box@a.b.wild.example", LOCAL, b"wild-box@a.b.wild.example"),
        (b"box@not.wild.example", REMOTE, b"box@not.wild.example"),
        (b"box@x.not.wild.example", LOCAL, b"wild-box@x.not.wild.example"),
        (b"Ann@Mixed.example", LOCAL, b"ann-Ann@Mixed.example"),
        (b"bob@mixed.example", REMOTE, b"bob@mixed.example"),
        (b"box@twice.example", LOCAL, b"second-box@twice.example"),
        (b"box@odd.example", LOCAL, b"a:b-box@odd.example"),
        (b"a%b%here.example@percent.example", LOCAL, b"a%b@here.example"),
        (b"a%b%percent.example@Percent.example", REMOTE, b"a@b"),
        (b"plain@percent.example", REMOTE, b"plain@percent.example"),
        (b"a%virtual.example@percent.example", LOCAL, b"joe-a@virtual.example"),
        (b"a@b@here.example", LOCAL, b"a@b@here.example"),
        (b"dot.in.box@far.example", REMOTE, b"dot.in.box@far.example"),
    ],
)
def test_where_it_goes(recipient: bytes, channel: int, address: bytes) -> None:
    assert REWRITER.place(recipient) == (channel, address)


def test_everybody() -> None:
    catch_all = Rewriter([b"here.example"], [], [b":all", b"out.example:"], b"x")
    assert catch_all.place(b"a@b") == (LOCAL, b"all-a@b")
    assert catch_all.place(b"a@out.example") == (REMOTE, b"a@out.example")
    assert catch_all.place(b"a@here.example") == (LOCAL, b"a@here.example")


@pytest.mark.parametrize(
    ("recipient", "known"),
    [
        (b"joe-box@virtual.example", b"box@virtual.example"),
        (b"wild-box@a.wild.example", b"box@a.wild.example"),
        (b"joebox@virtual.example", b"joebox@virtual.example"),
        (b"jim-box@virtual.example", b"jim-box@virtual.example"),
        (b"x-box@not.wild.example", b"x-box@not.wild.example"),
        (
            b"ann-Ann@Mixed.example",
            b"ann-Ann@Mixed.example",
        ),  # as in the original: whole addresses are not looked up
        (b"no host", b"no host"),
        (b"box@far.example", b"box@far.example"),
    ],
)
def test_the_sender_sees_what_he_wrote(recipient: bytes, known: bytes) -> None:
    assert REWRITER.without_prepend(recipient) == known


def test_other_domains_from_now_on() -> None:
    rewriter = Rewriter([b"here.example"], [], [], b"x")
    assert rewriter.without_prepend(b"joe-box@virtual.example") == b"joe-box@virtual.example"
    rewriter.know([b"new.example"], [b"virtual.example:joe"])
    assert rewriter.place(b"a@here.example") == (REMOTE, b"a@here.example")
    assert rewriter.place(b"a@new.example") == (LOCAL, b"a@new.example")
    assert rewriter.place(b"a@virtual.example") == (LOCAL, b"joe-a@virtual.example")
