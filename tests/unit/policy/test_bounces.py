"""Who is a message from, and who is told that it failed?

Not tested: nothing known.
"""

from __future__ import annotations

import pytest

from smarthost.policy import bounces


@pytest.mark.parametrize(
    ("sender", "recipient", "seen"),
    [
        (b"me@here", b"you@there", b"me@here"),
        (b"", b"you@there", b""),
        (b"#@[]", b"you@there", b"#@[]"),
        (b"list-@lists-@[]", b"you@there", b"list-you=there@lists"),
        (b"list-@lists-@[]", b"you", b"list-@lists-@[]"),
        (b"list-@lists-@[]", b"a@b@there", b"list-a@b=there@lists"),
        (b"list-@[]", b"you@there", b"list-@[]"),
        (b"-@[]", b"you@there", b"-@[]"),
        (b"@-@[]", b"you@there", b"you=there@"),
        (b"a@b@c-@[]", b"you@there", b"a@byou=there@c"),
    ],
)
def test_a_list_has_a_sender_for_each_recipient(sender: bytes, recipient: bytes, seen: bytes) -> None:
    assert bounces.sender_to(recipient, sender) == seen


@pytest.mark.parametrize(
    ("sender", "blamed"),
    [
        (b"me@here", b"me@here"),
        (b"list-@lists-@[]", b"list-@lists"),
        (b"-@[]", b""),
        (b"#@[]", b"#@[]"),
        (b"", b""),
    ],
)
def test_whom_a_bounce_is_about(sender: bytes, blamed: bytes) -> None:
    assert bounces.blamed(sender) == blamed


def test_to_whom_it_goes() -> None:
    assert bounces.envelope_of(b"me@here", b"post@here") == (b"", b"me@here")
    assert bounces.envelope_of(b"", b"post@here") == (b"#@[]", b"post@here")
    assert bounces.envelope_of(b"#@[]", b"post@here") is None
