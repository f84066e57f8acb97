"""What do a null client's control files change in every envelope? Who is none does without this module."""

from __future__ import annotations

from smarthost.policy import nullclient
from smarthost.store.controls import ME, Controls


def of_home(home: bytes) -> nullclient.Stream | None:
    """None if that is nothing. Raises OSError."""
    controls = Controls(home)
    sender, administrators, me = (
        nullclient.fact(controls.content(name)) for name in (b"allmailfrom", b"adminaddr", ME)
    )
    if not sender and not administrators:
        return None
    return nullclient.Stream(nullclient.Rewriter(me or ME, sender, administrators))
